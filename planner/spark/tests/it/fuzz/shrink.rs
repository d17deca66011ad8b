//! Makes a text that fails smaller: pieces are left out as long as it fails.

use super::pieces::{pieces, text};

/// How often the text is tried.
const TRIES: usize = 80;

/// The smallest text found that still fails.
pub(super) fn smallest(failing: &str, fails: &dyn Fn(&str) -> bool) -> String {
    let mut kept = pieces(failing);
    let mut tries = 0;
    let mut size = kept.len().div_ceil(2);
    while size > 0 && tries < TRIES {
        let mut at = 0;
        let mut shorter = false;
        while at < kept.len() && tries < TRIES {
            let mut without = kept.clone();
            without.drain(at..(at + size).min(kept.len()));
            tries += 1;
            if fails(&text(&without)) {
                kept = without;
                shorter = true;
            } else {
                at += size;
            }
        }
        if size > 1 || !shorter {
            size /= 2;
        }
    }
    text(&kept)
}

#[test]
fn what_matters_is_kept() {
    let fails = |text: &str| text.contains('(') && text.contains("x");
    assert_eq!(smallest("SELECT a, f(b, x) FROM t WHERE y = 'z'", &fails), "(x");
    assert_eq!(smallest("a", &|_| true), "");
}
