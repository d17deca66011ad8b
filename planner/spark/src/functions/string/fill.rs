//! Text filled up to a width. A format's own width ends at 65 535.

/// `text` behind as many of `fill` as it is short of `width` characters.
pub(super) fn behind(text: &str, fill: char, width: usize) -> String {
    let mut out: String = std::iter::repeat_n(fill, width.saturating_sub(text.chars().count())).collect();
    out.push_str(text);
    out
}

/// `text` before as many of `fill` as it is short of `width` characters.
pub(super) fn before(text: &str, fill: char, width: usize) -> String {
    let mut out = text.to_owned();
    out.extend(std::iter::repeat_n(fill, width.saturating_sub(text.chars().count())));
    out
}
