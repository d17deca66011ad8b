//! The files that DataFusion's operators spill into: in their run's folder, gone with their last user. What is in them is the operators'.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SpillFile, SpillWriter, TempFileFactory};
use futures::stream::Stream;
use futures::{StreamExt, TryStreamExt, stream};

use crate::shuffle::{SpillDir, before_write, cannot_spill};

/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// How many files operators have spilled into, by what they said of them.
pub(crate) type Spills = Mutex<BTreeMap<String, u64>>;

/// Makes files in a run's folder.
pub(super) struct TempFiles {
    folder: Arc<SpillDir>,
    spills: Arc<Spills>,
}

impl TempFiles {
    pub(super) fn within(folder: Arc<SpillDir>, spills: Arc<Spills>) -> Self {
        Self { folder, spills }
    }
}

impl TempFileFactory for TempFiles {
    fn create_temp_file(&self, description: &str) -> Result<Arc<dyn SpillFile>> {
        *self.spills.lock().unwrap_or_else(PoisonError::into_inner).entry(description.to_owned()).or_default() += 1;
        let path = self.folder.path()?.join(format!("operator-{}.arrow", uuid::Uuid::new_v4().simple()));
        File::create_new(&path).map_err(|e| cannot_spill(&path, e))?;
        Ok(Arc::new(TempFile(path)))
    }
}

struct TempFile(PathBuf);

impl Drop for TempFile {
    fn drop(&mut self) {
        // The run's folder may be gone already, with the file.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl SpillFile for TempFile {
    fn path(&self) -> Option<&Path> {
        Some(&self.0)
    }

    fn size(&self) -> Option<u64> {
        self.0.metadata().ok().map(|metadata| metadata.len())
    }

    fn read_stream(&self) -> Result<Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>> {
        let path = self.0.clone();
        let chunks = stream::once(async move { tokio::fs::File::open(path).await }).map_ok(|file| {
            stream::try_unfold(file, |mut file| async move {
                let mut chunk = Vec::with_capacity(CHUNK);
                let read = tokio::io::AsyncReadExt::read_buf(&mut file, &mut chunk).await?;
                Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(chunk), file)))
            })
        });
        Ok(chunks.try_flatten().map_err(DataFusionError::IoError).boxed())
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        let file = File::options().append(true).open(&self.0)?;
        Ok(Box::new(TempWriter { path: self.0.clone(), file: BufWriter::new(file) }))
    }
}

struct TempWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl TempWriter {
    /// What went wrong, with the remedy, as those who write through this take it: the kind says whether the disk is full.
    fn failed(&self, error: std::io::Error) -> std::io::Error {
        std::io::Error::new(error.kind(), cannot_spill(&self.path, error).message())
    }
}

impl Write for TempWriter {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        before_write().and_then(|()| self.file.write(buf)).map_err(|e| self.failed(e))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush().map_err(|e| self.failed(e))
    }
}

impl SpillWriter for TempWriter {
    fn finish(&mut self) -> Result<()> {
        Ok(self.flush()?)
    }
}
