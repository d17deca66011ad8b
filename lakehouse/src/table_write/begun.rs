//! What a write has put into a table's folder before its commit: its attempts' data files and the folders made for them. Unless the commit
//! names them they are taken away, those too that an attempt makes while nobody waits for it any more.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::ErrorKind as IoKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidemill_planner::{Error, Result};

use crate::write::create_folders;

/// How often a file is tried to be made in a folder that others take away.
const FOLDER_ATTEMPTS: usize = 3;

/// Files that no commit names yet.
#[derive(Debug)]
pub(super) struct Begun {
    root: PathBuf,
    durable: bool,
    /// Whether the table's own folder may have to be made.
    is_new: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: HashSet<PathBuf>,
    folders: HashSet<PathBuf>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// Files are begun.
    #[default]
    Open,
    /// No file is begun any more.
    Over,
    /// The write has come to nothing.
    Gone,
}

impl Begun {
    /// Nothing but these folders.
    pub(super) fn new(root: &Path, durable: bool, is_new: bool, folders: Vec<PathBuf>) -> Self {
        let state = State { folders: folders.into_iter().collect(), ..State::default() };
        Self { root: root.to_path_buf(), durable, is_new, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a data file; blocking.
    ///
    /// # Errors
    /// `Cancelled` when the write is over; `Io` of the disk.
    pub(super) fn create(&self, path: &Path) -> Result<()> {
        {
            let mut state = self.lock();
            if state.phase != Phase::Open {
                return Err(self.is_over());
            }
            // It is noted first, so that it is found whenever the write ends.
            state.files.insert(path.to_path_buf());
        }
        self.create_in_folder(path)?;
        let phase = self.lock().phase;
        if phase == Phase::Open {
            return Ok(());
        }
        // What was there may have been taken away before this file came.
        let _ = fs::remove_file(path);
        if phase == Phase::Gone {
            self.remove_folders();
        }
        Err(self.is_over())
    }

    fn is_over(&self) -> Error {
        Error::cancelled(format!("the write into the Delta table {} is over", self.root.display()))
    }

    fn create_in_folder(&self, path: &Path) -> Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        let mut attempt = 1;
        loop {
            if self.is_new || folder != self.root {
                self.make_folder(folder)?;
            }
            match File::create_new(path) {
                // Another write took away the folder, which was empty.
                Err(e) if e.kind() == IoKind::NotFound && attempt < FOLDER_ATTEMPTS => attempt += 1,
                created => return created.map(drop).map_err(|e| Error::io_at(path.display(), e)),
            }
        }
    }

    fn make_folder(&self, folder: &Path) -> Result<()> {
        let below_root = folder.ancestors().take_while(|above| above.starts_with(&self.root));
        let missing: Vec<PathBuf> = below_root.filter(|above| !above.exists()).map(Path::to_path_buf).collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.lock().folders.extend(missing);
        create_folders(&self.root, folder, self.durable)
    }

    /// Ends the write: of its files only these stay; blocking.
    pub(super) fn keep_only(&self, kept: &HashSet<PathBuf>) {
        self.end(Phase::Over, kept);
    }

    /// Takes everything away; blocking. Folders in which others have put something stay.
    pub(super) fn remove(&self) {
        self.end(Phase::Gone, &HashSet::new());
        self.remove_folders();
    }

    fn end(&self, phase: Phase, kept: &HashSet<PathBuf>) {
        let gone: HashSet<PathBuf> = {
            let mut state = self.lock();
            state.phase = phase;
            let (stay, gone) = std::mem::take(&mut state.files).into_iter().partition(|path| kept.contains(path));
            state.files = stay;
            gone
        };
        for path in gone {
            // One that cannot be removed is named by no commit.
            let _ = fs::remove_file(path);
        }
    }

    fn remove_folders(&self) {
        let mut folders: Vec<PathBuf> = self.lock().folders.iter().cloned().collect();
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
        for folder in folders {
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(root: &Path) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                names.push(path.strip_prefix(root).unwrap().display().to_string());
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        names.sort();
        names
    }

    #[test]
    fn what_is_not_kept_goes_and_what_others_have_put_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("t");
        fs::create_dir_all(root.join("a=0")).unwrap();
        let begun = Begun::new(&root, false, false, Vec::new());
        for path in ["x", "y", "a=0/x", "a=1/b=1/x", "a=1/b=2/x"] {
            begun.create(&root.join(path)).unwrap();
        }
        assert_eq!(begun.create(&root.join("x")).unwrap_err().kind(), tidemill_planner::ErrorKind::Io, "a name is given once");
        begun.keep_only(&HashSet::from([root.join("x"), root.join("a=1/b=1/x")]));
        assert_eq!(left(&root), ["a=0", "a=1", "a=1/b=1", "a=1/b=1/x", "a=1/b=2", "x"]);
        assert_eq!(begun.create(&root.join("late")).unwrap_err().kind(), tidemill_planner::ErrorKind::Cancelled);
        fs::write(root.join("a=1/b=2/theirs"), "").unwrap();
        begun.remove();
        assert_eq!(left(&root), ["a=0", "a=1", "a=1/b=2", "a=1/b=2/theirs"], "the folder a=0 was there before");
    }

    #[test]
    fn a_table_that_does_not_come_leaves_no_folder() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("deep/t");
        let log = root.join("_delta_log");
        fs::create_dir_all(&log).unwrap();
        let begun = Begun::new(&root, true, true, vec![log, root.clone(), dir.path().join("deep")]);
        begun.create(&root.join("x")).unwrap();
        // Another write that made the folders has taken them away.
        fs::remove_file(root.join("x")).unwrap();
        fs::remove_dir_all(&root).unwrap();
        begun.create(&root.join("p=1/x")).unwrap();
        begun.remove();
        assert_eq!(left(dir.path()), Vec::<String>::new());
    }
}
