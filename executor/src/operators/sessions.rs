//! Sessions of one key as intervals, and their stored form. Touching sessions are one: `next.start <= current.end`
//! (Spark, `UpdatingSessionsIterator.scala`). What is counted in a session is not its business.
//!
//! ```text
//! stored value: a run of  [start: i64 BE][end: i64 BE][length: u32 BE][aggregate state: length bytes]
//! ```

use tidemill_planner::{Error, Result};

/// A stored session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Session<'a> {
    pub(super) start_us: i64,
    pub(super) end_us: i64,
    pub(super) state: &'a [u8],
}

/// Appends a session to a stored value.
pub(super) fn push(value: &mut Vec<u8>, start_us: i64, end_us: i64, state: &[u8]) {
    value.extend_from_slice(&start_us.to_be_bytes());
    value.extend_from_slice(&end_us.to_be_bytes());
    value.extend_from_slice(&(state.len() as u32).to_be_bytes());
    value.extend_from_slice(state);
}

/// The sessions of a stored value.
///
/// # Errors
/// `Corrupt` when the bytes are no run of sessions.
pub(super) fn parse(mut value: &[u8]) -> Result<Vec<Session<'_>>> {
    let corrupt = || Error::corrupt("stored sessions do not decode: the checkpoint was written by another version, or is damaged");
    let mut sessions = Vec::new();
    while !value.is_empty() {
        let (start, rest) = value.split_first_chunk::<8>().ok_or_else(corrupt)?;
        let (end, rest) = rest.split_first_chunk::<8>().ok_or_else(corrupt)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(corrupt)?;
        let (state, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(corrupt)?;
        sessions.push(Session { start_us: i64::from_be_bytes(*start), end_us: i64::from_be_bytes(*end), state });
        value = rest;
    }
    Ok(sessions)
}

/// One interval that takes part in a merge, and who it is: the caller's tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval<T> {
    pub(super) start_us: i64,
    pub(super) end_us: i64,
    pub(super) tag: T,
}

/// Merges intervals that overlap or touch; calls `member(tag, number)` for each interval with the number of the merged one
/// it became part of, and returns the merged ones, rising.
pub(super) fn merge<T: Copy>(mut intervals: Vec<Interval<T>>, first_number: usize, mut member: impl FnMut(T, usize)) -> Vec<(i64, i64)> {
    intervals.sort_by_key(|i| i.start_us);
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for interval in intervals {
        match merged.last_mut() {
            Some((_, end)) if interval.start_us <= *end => *end = interval.end_us.max(*end),
            _ => merged.push((interval.start_us, interval.end_us)),
        }
        member(interval.tag, first_number + merged.len() - 1);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging() {
        type Spans = &'static [(i64, i64)];
        let cases: [(Spans, Spans); 5] = [
            (&[], &[]),
            (&[(5, 15), (0, 10)], &[(0, 15)]),
            // Exactly `gap` apart: half-open intervals that touch are one session.
            (&[(0, 10), (10, 20)], &[(0, 20)]),
            (&[(0, 10), (11, 21)], &[(0, 10), (11, 21)]),
            (&[(0, 100), (10, 20), (101, 111)], &[(0, 100), (101, 111)]),
        ];
        for (input, expected) in cases {
            let intervals = input.iter().map(|&(start_us, end_us)| Interval { start_us, end_us, tag: () }).collect();
            assert_eq!(merge(intervals, 0, |(), _| {}), expected, "{input:?}");
        }
    }

    #[test]
    fn stored_form_is_frozen_and_checked() {
        let mut value = Vec::new();
        push(&mut value, 1, -2, b"ab");
        push(&mut value, 3, 4, b"");
        let hex: String = value.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "0000000000000001fffffffffffffffe0000000261620000000000000003000000000000000400000000");
        let sessions = parse(&value).unwrap();
        assert_eq!(sessions[0], Session { start_us: 1, end_us: -2, state: b"ab" });
        assert_eq!(sessions[1], Session { start_us: 3, end_us: 4, state: b"" });
        for cut in 1..value.len() {
            assert!(cut == 22 || parse(&value[..cut]).is_err(), "{cut}");
        }
    }
}
