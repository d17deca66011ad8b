//! Cuts a script into its statements at the semicolons that are not inside strings, quoted names or comments. It does not
//! parse them, so that one that is wrong leaves the others whole.

/// The statements of `script`, without their semicolons; pieces that hold only blanks and comments are left out.
pub(crate) fn split(script: &str) -> Vec<&str> {
    let bytes = script.as_bytes();
    let mut statements = Vec::new();
    let (mut start, mut at, mut holds_text) = (0, 0, false);
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b';', _) => {
                if holds_text {
                    statements.push(script[start..at].trim());
                }
                (start, holds_text) = (at + 1, false);
                at += 1;
            }
            (b'-', Some(b'-')) => at = end_of_line(bytes, at),
            (b'/', Some(b'*')) => at = end_of_comment(bytes, at),
            (quote @ (b'\'' | b'"' | b'`'), _) => {
                holds_text = true;
                at = end_of_quoted(bytes, at, quote);
            }
            (other, _) => {
                holds_text |= !other.is_ascii_whitespace();
                at += 1;
            }
        }
    }
    if holds_text {
        statements.push(script[start..].trim());
    }
    statements
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n + 1)
}

/// Comments nest.
fn end_of_comment(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0usize);
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A backslash takes the next character along, except in names.
fn end_of_quoted(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote != b'`' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn table() {
        for (script, expected) in [
            ("select 1", vec!["select 1"]),
            ("select 1; select 2;", vec!["select 1", "select 2"]),
            (" ; ;\n-- nothing; here\n;", vec![]),
            ("select ';', \"a;b\", `c;d` ; x", vec!["select ';', \"a;b\", `c;d`", "x"]),
            ("select 'it''s; fine'; y", vec!["select 'it''s; fine'", "y"]),
            ("select 'a\\';b'; y", vec!["select 'a\\';b'", "y"]),
            ("select 1 -- one; two\n, 2; z", vec!["select 1 -- one; two\n, 2", "z"]),
            ("select /* a; /* b; */ c; */ 1; z", vec!["select /* a; /* b; */ c; */ 1", "z"]),
            ("select 'open; end", vec!["select 'open; end"]),
            ("sélect 'é;'; ü", vec!["sélect 'é;'", "ü"]),
        ] {
            assert_eq!(split(script), expected, "{script}");
        }
    }
}
