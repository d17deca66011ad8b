//! Where the shell remembers what was typed.

use std::ffi::OsString;
use std::path::PathBuf;

/// The file in the user's folder for data, made if need be; `None` where there is no such folder.
pub(super) fn file(environment: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = folder(&environment, cfg!(target_os = "macos"))?;
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

fn folder(environment: &impl Fn(&str) -> Option<OsString>, is_mac: bool) -> Option<PathBuf> {
    // A path that is not absolute says nothing about where it is.
    let absolute = |name: &str| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| {
        let inside = if is_mac { "Library/Application Support" } else { ".local/share" };
        absolute("HOME").map(|home| home.join(inside))
    });
    // On Windows.
    let data = data.or_else(|| absolute("APPDATA"));
    data.map(|data| data.join("tidemill"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders() {
        for (variables, is_mac, expected) in [
            (&[("HOME", "/home/u")][..], false, Some("/home/u/.local/share/tidemill")),
            (&[("HOME", "/Users/u")], true, Some("/Users/u/Library/Application Support/tidemill")),
            (&[("HOME", "/home/u"), ("XDG_DATA_HOME", "/d")], false, Some("/d/tidemill")),
            (&[("HOME", "/home/u"), ("XDG_DATA_HOME", "d")], false, Some("/home/u/.local/share/tidemill")),
            (&[], false, None),
        ] {
            let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
            assert_eq!(folder(&value, is_mac), expected.map(PathBuf::from), "{variables:?}");
        }
    }
}
