//! Whether a directory may hold names that its last listing did not show: what makes a look at an unchanged directory cheap. It
//! lists nothing itself.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A directory whose own times are younger than this may have changed again without showing it.
const CLOCK_GRAIN: Duration = Duration::from_secs(2);
/// So long a listing is believed at most: there are file systems whose directories show no change, and links to what changes
/// elsewhere.
const BELIEVED_FOR: Duration = Duration::from_secs(30);

/// What a directory shows of its changes. Anyone can set its time of change back, as archives and restores do; nobody can set its
/// status change time (`ctime`). Another directory in its place has another inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DirStamp {
    device: u64,
    inode: u64,
    modified_ns: i128,
    status_ns: i128,
}

impl DirStamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let ns = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            modified_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            status_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// What a directory showed before it was listed, and when that was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    pub(super) stamp: DirStamp,
    pub(super) at: SystemTime,
}

impl Listed {
    /// Whether the directory, which shows `stamp` at `now`, still holds the names that were listed and no others.
    pub(super) fn holds(&self, stamp: DirStamp, now: SystemTime) -> bool {
        let shown_ns = stamp.modified_ns.max(stamp.status_ns);
        let listed_ns = self.at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i128);
        let was_settled = listed_ns - shown_ns > CLOCK_GRAIN.as_nanos() as i128;
        // A clock that was set back says nothing of how old the listing is.
        let is_young = now.duration_since(self.at).is_ok_and(|age| age < BELIEVED_FOR);
        self.stamp == stamp && was_settled && is_young
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i128 = 1_000_000_000;

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    fn stamp(inode: u64, modified_s: i128, status_s: i128) -> DirStamp {
        DirStamp { device: 1, inode, modified_ns: modified_s * SECOND, status_ns: status_s * SECOND }
    }

    #[test]
    fn when_a_listing_holds() {
        for (what, listed, listed_at, now, looked_at, holds) in [
            ("nothing changed for long", stamp(7, 100, 100), 110, stamp(7, 100, 100), 111, true),
            ("nothing changed, and the time was set back before", stamp(7, 3, 100), 110, stamp(7, 3, 100), 111, true),
            ("a name came", stamp(7, 100, 100), 110, stamp(7, 111, 111), 112, false),
            ("a name came, and the time was set back", stamp(7, 100, 100), 110, stamp(7, 100, 111), 115, false),
            ("another directory of the same times", stamp(7, 100, 100), 110, stamp(8, 100, 100), 111, false),
            ("it changed just before it was listed", stamp(7, 109, 109), 110, stamp(7, 109, 109), 115, false),
            ("its time was set back just before it was listed", stamp(7, 3, 109), 110, stamp(7, 3, 109), 115, false),
            ("its time is to come", stamp(7, 900, 100), 110, stamp(7, 900, 100), 111, false),
            ("it was listed long ago", stamp(7, 100, 100), 110, stamp(7, 100, 100), 140, false),
            ("the clock was set back", stamp(7, 100, 100), 110, stamp(7, 100, 100), 109, false),
        ] {
            assert_eq!(Listed { stamp: listed, at: at(listed_at) }.holds(now, at(looked_at)), holds, "{what}");
        }
    }
}
