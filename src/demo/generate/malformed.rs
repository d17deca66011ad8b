//! Lines that are not events: each kind of damage that a reader must find. It is given a good line to damage.

use super::random::Random;

type Damage = fn(&str) -> Vec<u8>;

/// Every kind of damage, each to a line that was good.
pub(super) const DAMAGES: &[(&str, Damage)] = &[
    ("no closing brace", |line| line.trim_end_matches('}').into()),
    ("cut in the middle", |line| line.as_bytes()[..line.len() / 2].into()),
    ("eventId is null", |line| field(line, "eventId", "null")),
    ("userId is a number", |line| field(line, "userId", "42")),
    ("eventTimeMs is a string", |line| field(line, "eventTimeMs", "\"1760000000000\"")),
    ("eventTimeMs has a fraction", |line| field(line, "eventTimeMs", "1760000000000.5")),
    ("eventTimeMs is too great", |line| field(line, "eventTimeMs", "99999999999999999999")),
    ("completed is a string", |line| field(line, "completed", "\"yes\"")),
    ("no eventType", |line| line.replace("\"eventType\"", "\"kind\"").into()),
    ("an array", |line| format!("[{line}]").into()),
    ("two objects", |line| format!("{line}{line}").into()),
    ("single quotes", |line| line.replace('"', "'").into()),
    ("not JSON", |_| b"GET /events HTTP/1.1".into()),
    ("not UTF-8", |line| {
        let mut bytes = line.as_bytes().to_vec();
        // Inside the text of eventId.
        bytes[13] = 0xFF;
        bytes
    }),
];

/// A damaged copy of `good`.
pub(super) fn line(random: &mut Random, good: &[u8]) -> Vec<u8> {
    let good = String::from_utf8_lossy(good);
    let (_, damage) = DAMAGES[random.below(DAMAGES.len() as u64) as usize];
    damage(&good)
}

/// `line` with another value for a field.
fn field(line: &str, name: &str, value: &str) -> Vec<u8> {
    let key = format!("\"{name}\":");
    let Some((before, rest)) = line.split_once(&key) else { return line.into() };
    let end = rest.find([',', '}']).unwrap_or(rest.len());
    format!("{before}{key}{value}{}", &rest[end..]).into()
}
