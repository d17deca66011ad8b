//! The public names of the programming interface, read from the sources: methods and constants of types, and free functions of `functions`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Where public types have their methods.
const FOLDERS: [&str; 2] = ["src", "streaming/src/query"];

/// The public names by type; those of `src/functions` under `functions`.
pub(super) fn names() -> BTreeMap<String, BTreeSet<String>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for folder in FOLDERS {
        files(&root.join(folder), &mut |path| {
            let text = std::fs::read_to_string(path).expect("a source file is text");
            let in_functions = path.parent().is_some_and(|folder| folder.ends_with("functions"));
            for (owner, name) in names_of(&text) {
                match owner {
                    Some(owner) => found.entry(owner).or_default().insert(name),
                    None if in_functions => found.entry("functions".to_owned()).or_default().insert(name),
                    None => false,
                };
            }
        });
    }
    found
}

fn files(folder: &Path, each: &mut impl FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("a folder lists").path();
        if path.is_dir() {
            files(&path, each);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            each(&path);
        }
    }
}

/// (type, public name) of a file; no type for free functions. Methods that a macro makes (`name => …` in a call of a macro `…_methods`)
/// are of the type that the macro's own `impl` names.
fn names_of(text: &str) -> Vec<(Option<String>, String)> {
    let words = words(text);
    let mut found = Vec::new();
    let mut depth = 0;
    // The type of the `impl` around, and the depth of its items.
    let mut owner: Option<(String, usize)> = None;
    let mut made_for: Option<String> = None;
    let mut in_macro: Option<usize> = None;
    let mut at = 0;
    while at < words.len() {
        let next = |n: usize| words.get(at + n).map_or("", String::as_str);
        match next(0) {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                if owner.as_ref().is_some_and(|(_, inside)| depth < *inside) {
                    owner = None;
                }
                if in_macro.is_some_and(|inside| depth < inside) {
                    in_macro = None;
                }
            }
            "impl" if owner.is_none() => {
                let header: Vec<&str> =
                    words[at..].iter().map(String::as_str).take_while(|word| !matches!(*word, "{" | ";" | "}" | ")")).collect();
                let is_block = words.get(at + header.len()).is_some_and(|word| word == "{");
                let mut rest = &header[1..];
                let mut open = 0;
                while let Some(word) = rest.first().filter(|word| open > 0 || **word == "<") {
                    open += i32::from(*word == "<") - i32::from(*word == ">");
                    rest = &rest[1..];
                }
                if is_block
                    && !header.contains(&"for")
                    && let Some(name) = rest.first()
                {
                    if depth == 0 {
                        owner = Some(((*name).to_owned(), 1));
                    } else {
                        made_for = Some((*name).to_owned());
                    }
                }
            }
            word if word.ends_with("_methods") && next(1) == "!" && next(2) == "{" => in_macro = Some(depth + 1),
            word if in_macro == Some(depth) && next(1) == "=" && next(2) == ">" => {
                found.extend(made_for.clone().map(|owner| (Some(owner), word.to_owned())));
            }
            "pub" if next(1) != "(" => {
                let mut ahead = 1;
                while matches!(next(ahead), "async" | "const" | "unsafe") && next(ahead + 1) == "fn" {
                    ahead += 1;
                }
                if matches!(next(ahead), "fn" | "const") {
                    match &owner {
                        Some((owner, inside)) if *inside == depth => found.push((Some(owner.clone()), next(ahead + 1).to_lowercase())),
                        None if depth == 0 => found.push((None, next(ahead + 1).to_owned())),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The words and signs of a file, without comments and the insides of strings.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        let next = chars.get(at + 1).copied().unwrap_or(' ');
        if c == '/' && next == '/' {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if c == '"' {
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if c == 'r' && (next == '"' || next == '#' && matches!(chars.get(at + 2), Some('"' | '#'))) {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            let end: String = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            let rest: String = chars[at + 2 + hashes..].iter().collect();
            let inside = rest.find(&end).map_or(rest.chars().count(), |byte| rest[..byte].chars().count());
            at += 2 + hashes + inside + 1 + hashes;
        } else if c == '\'' && (next == '\\' || chars.get(at + 2) == Some(&'\'')) {
            at += if next == '\\' { 2 } else { 1 };
            while at < chars.len() && chars[at] != '\'' {
                at += 1;
            }
            at += 1;
        } else if c.is_alphanumeric() || c == '_' {
            let start = at;
            while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                at += 1;
            }
            words.push(chars[start..at].iter().collect());
        } else {
            if !c.is_whitespace() {
                words.push(c.to_string());
            }
            at += 1;
        }
    }
    words
}

#[test]
fn public_names_are_found() {
    let text = r##"
        macro_rules! of_two_methods { ($($name:ident => $op:literal),*) => { impl Column { $( pub fn $name(self) {} )* } }; }
        of_two_methods! { /// Doc: pub fn hidden()
            eq => "=", not_eq => "!=" }
        /// pub fn in_a_comment() {}
        impl<T: Into<String>> Frame<T> { pub const MOST: i64 = 1; pub async fn take(&self) { "pub fn text() { }"; } fn own(&self) {} pub(crate) fn near() {} }
        impl Display for Frame { pub fn none() {} }
        pub fn free<C>(c: char) { match c { '{' => {} '\'' => {} _ => {} } }
        mod tests { pub fn inside() {} }
    "##;
    let shown: Vec<String> = names_of(text).into_iter().map(|(owner, name)| format!("{}.{name}", owner.unwrap_or_default())).collect();
    assert_eq!(shown.join(" "), "Column.eq Column.not_eq Frame.most Frame.take .free");
}
