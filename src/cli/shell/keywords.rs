//! The words of Spark's grammar that the shell colours and completes: the parser's own.

use std::sync::LazyLock;

/// In capitals, by the alphabet.
pub(super) static KEYWORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    // The one letter is the X of binary literals.
    let mut words: Vec<&str> = tidemill_spark::parse::keywords().map(|(word, _)| word).filter(|word| word.len() > 1).collect();
    words.sort_unstable();
    words
});

/// Whether a word is one, without regard to case.
pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.binary_search(&word.to_ascii_uppercase().as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_order() {
        assert!(KEYWORDS.is_sorted());
        assert!(is_keyword("select") && is_keyword("Rlike") && !is_keyword("selected"));
    }
}
