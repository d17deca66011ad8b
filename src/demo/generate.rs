//! The demo's events: what users do, told as JSON lines in files, the same bytes for the same seed on every machine. When a
//! file is put before the query is for the caller to say.
//!
//! Users come back in sessions that lie more than 30 minutes apart. Each has a usual dwell time, and now and then a session
//! in which it drops by 30 to 60 %. Events arrive up to 90 seconds late; some are written twice; a few come hours late; a
//! few lines are not events at all. The last events, of one user, lie hours ahead and so close every session before them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Write;
use std::path::{Path, PathBuf};

use tidemill_planner::{Error, Result};

mod malformed;
mod random;

use random::Random;

/// The columns of the events.
pub const EVENT_COLUMNS: &str = "eventId STRING NOT NULL, userId STRING NOT NULL, contentId STRING, eventType STRING NOT NULL, \
                                 eventTimeMs BIGINT NOT NULL, dwellMs BIGINT, completed BOOLEAN";

/// The user of the last events.
pub const CLOSING_USER: &str = "user-closing";

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Events arrive at most this much after they happened, unless they are far too late.
const MAX_DELAY_MS: u64 = 90_000;
const CLOSING_EVENTS: u64 = 5;
/// The closing events are so far ahead of all others that every session before them has ended.
const CLOSING_AHEAD_MS: i64 = 6 * HOUR_MS;

/// What is generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratorConfig {
    /// Distinct events; copies and malformed lines come on top.
    pub events: u64,
    /// What the choices hang on: the same seed gives the same bytes.
    pub seed: u64,
    /// How many users there are.
    pub users: u32,
    /// How many files the events are spread over.
    pub files: u32,
    /// When the first events happen, milliseconds since the Unix epoch.
    pub start_ms: i64,
}

impl GeneratorConfig {
    /// So many events in about six sessions per user, and files of 5 000 events.
    pub fn new(events: u64, seed: u64) -> Self {
        let users = u32::try_from(events / 60).unwrap_or(u32::MAX).max(10);
        let files = u32::try_from(events / 5_000).unwrap_or(u32::MAX).max(4);
        Self { events, seed, users, files, start_ms: 1_760_000_000_000 }
    }
}

/// What has been written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Truth {
    /// Lines, of whatever kind.
    pub lines: u64,
    /// Distinct events.
    pub events: u64,
    /// Exact copies of events.
    pub duplicates: u64,
    /// Lines that are not events as the columns say.
    pub malformed: u64,
    /// Lines (events and copies) that came hours after their time. A query drops them as late once its watermark has moved.
    pub far_late: u64,
    /// Sessions in which a user's dwell time dropped. Not each makes an alert: the first sessions and short ones do not.
    pub drops: u64,
    /// The greatest event time.
    pub event_time_max_ms: i64,
}

/// Makes files of events, one after another.
#[derive(Debug)]
pub struct Generator {
    config: GeneratorConfig,
    random: Random,
    users: Vec<User>,
    /// When each user does something next.
    next: BinaryHeap<Reverse<(i64, u32)>>,
    /// Lines that are on their way: when they arrive, and in which order they were made.
    delayed: BinaryHeap<Reverse<(i64, u64, Delayed)>>,
    made: u64,
    files: u32,
    truth: Truth,
    line: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Delayed {
    line: Box<[u8]>,
    is_copy: bool,
    is_far_late: bool,
}

/// A user in the middle of a session.
#[derive(Debug, Clone, Copy)]
struct User {
    usual_dwell_ms: u32,
    /// Percent of the usual dwell time in this session.
    dwell_percent: u32,
    views_left: u8,
    /// Clicks and scrolls before the view ends; `None` before it starts.
    acts_left: Option<u8>,
    content: u16,
    sessions: u16,
}

impl Generator {
    /// A generator that has made nothing yet.
    pub fn new(config: GeneratorConfig) -> Self {
        let mut random = Random::new(config.seed);
        let mut users = Vec::new();
        let mut next = BinaryHeap::new();
        for user in 0..config.users.max(1) {
            let usual_dwell_ms = 4_000 + random.below(56_000) as u32;
            users.push(User { usual_dwell_ms, dwell_percent: 100, views_left: 0, acts_left: None, content: 0, sessions: 0 });
            next.push(Reverse((config.start_ms + random.below(75 * MINUTE_MS as u64) as i64, user)));
        }
        let truth = Truth { event_time_max_ms: i64::MIN, ..Truth::default() };
        Self { config, random, users, next, delayed: BinaryHeap::new(), made: 0, files: 0, truth, line: Vec::with_capacity(256) }
    }

    /// What has been written so far.
    pub fn truth(&self) -> Truth {
        self.truth
    }

    /// The next file's bytes, or `None` after the last.
    pub fn next_file(&mut self) -> Option<Vec<u8>> {
        let files = self.config.files.max(1);
        if self.files == files {
            return None;
        }
        self.files += 1;
        let open = self.config.events.saturating_sub(CLOSING_EVENTS);
        let until = (u128::from(open) * u128::from(self.files) / u128::from(files)) as u64;
        let mut out = Vec::with_capacity(usize::try_from((until - self.made) * 170).unwrap_or(0) + 1024);
        while self.made < until {
            self.step(&mut out);
        }
        if self.files == files {
            self.close(&mut out);
        }
        Some(out)
    }

    /// The next thing that a user does, after whatever arrives before it.
    fn step(&mut self, out: &mut Vec<u8>) {
        let Some(Reverse((time_ms, user))) = self.next.pop() else { return };
        while self.delayed.peek().is_some_and(|Reverse((arrival_ms, ..))| *arrival_ms <= time_ms) {
            if let Some(Reverse((_, _, delayed))) = self.delayed.pop() {
                self.put(out, &delayed);
            }
        }
        let wait_ms = self.act(time_ms, user);
        self.next.push(Reverse((time_ms + wait_ms, user)));

        if self.random.one_in(1_000) {
            let line = malformed::line(&mut self.random, &self.line);
            out.extend_from_slice(&line);
            out.push(b'\n');
            self.truth.lines += 1;
            self.truth.malformed += 1;
        }
        if self.random.one_in(70) {
            // Most copies follow within seconds, some within the time that events are waited for, some far too late.
            let (delay_ms, is_far_late) = match self.random.below(10) {
                0..5 => (self.random.below(4_000), false),
                5..9 => (self.random.below(MAX_DELAY_MS), false),
                _ => (self.random.between(2 * HOUR_MS as u64, 4 * HOUR_MS as u64), true),
            };
            self.delay(time_ms, delay_ms, true, is_far_late);
        }
        if self.random.one_in(6) {
            let delay_ms = self.random.below(MAX_DELAY_MS);
            self.delay(time_ms, delay_ms, false, false);
        } else {
            let line = Delayed { line: self.line.as_slice().into(), is_copy: false, is_far_late: false };
            self.put(out, &line);
        }
        self.truth.event_time_max_ms = self.truth.event_time_max_ms.max(time_ms);

        if self.random.one_in(200) && self.made < self.config.events.saturating_sub(CLOSING_EVENTS) {
            let lateness_ms = self.random.between(2 * HOUR_MS as u64, 5 * HOUR_MS as u64) as i64;
            let content = self.users[user as usize].content;
            self.event(user, content, "click", time_ms - lateness_ms, None, false);
            let line = Delayed { line: self.line.as_slice().into(), is_copy: false, is_far_late: true };
            self.put(out, &line);
        }
    }

    /// Lets the line arrive later.
    fn delay(&mut self, time_ms: i64, delay_ms: u64, is_copy: bool, is_far_late: bool) {
        let line = Delayed { line: self.line.as_slice().into(), is_copy, is_far_late };
        // A line number that no other has: the order of equal arrivals is the order of making.
        let order = self.made * 2 + u64::from(is_copy);
        self.delayed.push(Reverse((time_ms + delay_ms as i64, order, line)));
    }

    fn put(&mut self, out: &mut Vec<u8>, line: &Delayed) {
        out.extend_from_slice(&line.line);
        out.push(b'\n');
        self.truth.lines += 1;
        self.truth.events += u64::from(!line.is_copy);
        self.truth.duplicates += u64::from(line.is_copy);
        self.truth.far_late += u64::from(line.is_far_late);
    }

    /// Makes a user's next event as `self.line`, and says how long it is until the one after.
    fn act(&mut self, time_ms: i64, user: u32) -> i64 {
        let index = user as usize;
        if self.users[index].views_left == 0 {
            self.begin_session(index);
        }
        let mut state = self.users[index];
        let content = state.content;
        let wait_ms = match state.acts_left {
            None => {
                state.acts_left = Some(self.random.below(4) as u8);
                state.content = self.random.below(500) as u16;
                self.event(user, state.content, "view_start", time_ms, None, false);
                self.random.between(1_000, 20_000)
            }
            Some(0) => {
                state.acts_left = None;
                state.views_left -= 1;
                let spread = self.random.between(85, 116);
                let dwell = u64::from(state.usual_dwell_ms) * u64::from(state.dwell_percent) * spread / 10_000;
                let dwell = if self.random.one_in(40) { 0 } else { dwell };
                let completed = self.random.below(100) < 60;
                self.event(user, content, "view_end", time_ms, Some(dwell), completed);
                match state.views_left {
                    // More than the gap that ends a session.
                    0 => self.random.between(31 * MINUTE_MS as u64, 95 * MINUTE_MS as u64),
                    // A break that does not end it.
                    _ if self.random.one_in(15) => self.random.between(5 * MINUTE_MS as u64, 29 * MINUTE_MS as u64),
                    _ => self.random.between(2_000, 90_000),
                }
            }
            Some(acts) => {
                state.acts_left = Some(acts - 1);
                let event_type = ["click", "scroll", "click", "pause"][self.random.below(4) as usize];
                self.event(user, content, event_type, time_ms, None, false);
                self.random.between(500, 30_000)
            }
        };
        self.users[index] = state;
        wait_ms as i64
    }

    fn begin_session(&mut self, index: usize) {
        let views_left = self.random.between(1, 6) as u8;
        let drops = self.users[index].sessions > 0 && self.random.one_in(9);
        let dwell_percent = if drops { self.random.between(40, 71) as u32 } else { 100 };
        self.truth.drops += u64::from(drops);
        let user = &mut self.users[index];
        (user.views_left, user.acts_left, user.dwell_percent) = (views_left, None, dwell_percent);
        user.sessions = user.sessions.saturating_add(1);
    }

    /// Writes `self.line`. An event without dwell time has it null, or not at all.
    fn event(&mut self, user: u32, content: u16, event_type: &str, time_ms: i64, dwell_ms: Option<u64>, completed: bool) {
        let line = &mut self.line;
        line.clear();
        line.extend_from_slice(b"{\"eventId\":\"e-");
        number(line, self.made, 9);
        line.extend_from_slice(b"\",\"userId\":\"");
        if user == u32::MAX {
            line.extend_from_slice(CLOSING_USER.as_bytes());
        } else {
            line.extend_from_slice(b"user-");
            number(line, u64::from(user), 6);
        }
        line.extend_from_slice(b"\",\"contentId\":\"c-");
        number(line, u64::from(content), 1);
        line.extend_from_slice(b"\",\"eventType\":\"");
        line.extend_from_slice(event_type.as_bytes());
        line.extend_from_slice(b"\",\"eventTimeMs\":");
        number(line, u64::try_from(time_ms).unwrap_or(0), 1);
        match dwell_ms {
            Some(dwell_ms) => {
                line.extend_from_slice(b",\"dwellMs\":");
                number(line, dwell_ms, 1);
            }
            None if self.made.is_multiple_of(2) => line.extend_from_slice(b",\"dwellMs\":null"),
            None => {}
        }
        line.extend_from_slice(if completed { b",\"completed\":true}" } else { b",\"completed\":false}" });
        self.made += 1;
    }

    /// Lets everything arrive that is not far too late, then the closing events.
    fn close(&mut self, out: &mut Vec<u8>) {
        while let Some(Reverse((_, _, delayed))) = self.delayed.pop() {
            if !delayed.is_far_late {
                self.put(out, &delayed);
            }
        }
        let last_ms = self.truth.event_time_max_ms.max(self.config.start_ms);
        for i in 0..CLOSING_EVENTS.min(self.config.events) {
            let time_ms = last_ms + CLOSING_AHEAD_MS + i as i64 * SECOND_MS;
            self.event(u32::MAX, 0, "click", time_ms, None, false);
            let line = Delayed { line: self.line.as_slice().into(), is_copy: false, is_far_late: false };
            self.put(out, &line);
            self.truth.event_time_max_ms = time_ms;
        }
    }
}

/// Appends `number` with at least `width` digits.
fn number(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while number > 0 {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits[at.min(digits.len() - width)..]);
}

/// Puts a file of events before the query: it appears under its name whole or not at all.
///
/// # Errors
/// `Io`, naming the file.
pub fn write_file_by_rename(dir: &Path, index: u32, bytes: &[u8]) -> Result<PathBuf> {
    let path = dir.join(format!("events-{index:06}.json"));
    let hidden = dir.join(format!(".events-{index:06}.json.tmp"));
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&hidden)?;
        file.write_all(bytes)?;
        std::fs::rename(&hidden, &path)
    };
    write().map_err(|error| Error::io_at(path.display(), error))?;
    Ok(path)
}

#[cfg(test)]
mod tests;
