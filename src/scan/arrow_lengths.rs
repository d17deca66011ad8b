//! The lengths in messages of Arrow IPC: where one ends, and whether a compressed buffer can become as long as it says. The decoder asks for
//! that much memory at once, so that damage to it has to be found before. It decodes nothing.
//!
//! ```text
//! message  0xffffffff · length of the head · head: where each buffer lies in the body, and the body's length · body
//! buffer   its length when it is not compressed, or -1 · what it is compressed to
//! ```
//!
//! Source: Arrow, `Columnar.rst` and `Message.fbs`; the block format of LZ4; RFC 8878 for zstd.

use arrow::error::ArrowError;
use arrow::ipc::{Block, CompressionType, Message, MessageHeader, root_as_message};

const CONTINUATION: [u8; 4] = [0xff; 4];
const PREFIX_BYTES: usize = 8;

/// What a byte of LZ4 stands for at most: in a long match each byte more is 255 bytes.
const LZ4_RATIO: u64 = 255;
/// The same of zstd: a block is 128 KiB at most, and takes 4 bytes at least.
const ZSTD_RATIO: u64 = (128 << 10) / 4;

/// So much memory there is always.
const SURE_BYTES: u64 = 64 << 20;

/// How many bytes the message takes that begins here in the stream framing; if those at hand do not say it, how many would say more.
pub(super) fn bytes_of_message(bytes: &[u8]) -> Result<u64, ArrowError> {
    let Some((prefix, head)) = prefix_and_head(bytes) else { return Ok(PREFIX_BYTES as u64) };
    if head == 0 {
        return Ok(prefix as u64);
    }
    let body_at = prefix + head;
    let Some(head) = bytes.get(prefix..body_at) else { return Ok(body_at as u64) };
    let body = u64::try_from(message_of(head)?.bodyLength()).map_err(|_| damaged("a message has a body of less than no bytes"))?;
    Ok((body_at as u64).saturating_add(body))
}

/// Checks a message that takes all these bytes, in the stream framing.
pub(super) fn check_message(bytes: &[u8]) -> Result<(), ArrowError> {
    match prefix_and_head(bytes) {
        Some((prefix, head)) if head > 0 => check(bytes, prefix + head),
        _ => Ok(()),
    }
}

/// Checks a message that takes all these bytes, in the file framing.
pub(super) fn check_block(block: &Block, bytes: &[u8]) -> Result<(), ArrowError> {
    check(bytes, usize::try_from(block.metaDataLength()).unwrap_or(usize::MAX))
}

/// The lengths of what says the length of a message's head, and of the head; none at the end of a stream.
fn prefix_and_head(bytes: &[u8]) -> Option<(usize, usize)> {
    let (first, rest) = bytes.split_first_chunk::<4>()?;
    // Old writers leave the mark out.
    if *first != CONTINUATION {
        return Some((4, u32::from_le_bytes(*first) as usize));
    }
    Some((PREFIX_BYTES, u32::from_le_bytes(*rest.first_chunk::<4>()?) as usize))
}

fn message_of(head: &[u8]) -> Result<Message<'_>, ArrowError> {
    root_as_message(head).map_err(|e| damaged(format!("what describes a message is damaged ({e})")))
}

fn damaged(what: impl Into<String>) -> ArrowError {
    ArrowError::ParseError(what.into())
}

/// Checks the buffers of a message whose body begins at `body_at`. Buffers that lie outside it are the decoder's to tell.
fn check(bytes: &[u8], body_at: usize) -> Result<(), ArrowError> {
    let Some((head, body)) = bytes.split_at_checked(body_at) else { return Ok(()) };
    let Some((prefix, _)) = prefix_and_head(head) else { return Ok(()) };
    let message = message_of(&head[prefix..])?;
    let batch = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data()),
        _ => None,
    };
    let Some((batch, compression)) = batch.and_then(|batch| Some((batch, batch.compression()?))) else { return Ok(()) };
    let ratio = match compression.codec() {
        CompressionType::LZ4_FRAME => LZ4_RATIO,
        CompressionType::ZSTD => ZSTD_RATIO,
        _ => return Ok(()),
    };
    for buffer in batch.buffers().iter().flatten() {
        let (start, length) = (usize::try_from(buffer.offset()), usize::try_from(buffer.length()));
        let (Ok(start), Ok(length)) = (start, length) else { continue };
        let found = start.checked_add(length).and_then(|end| body.get(start..end));
        found.map_or(Ok(()), |buffer| check_buffer(buffer, ratio))?;
    }
    Ok(())
}

/// Refuses a buffer of which no byte stands for `ratio` bytes and that says to be longer, and one for which there is no memory.
fn check_buffer(buffer: &[u8], ratio: u64) -> Result<(), ArrowError> {
    let Some((length, compressed)) = buffer.split_first_chunk::<8>() else { return Ok(()) };
    // -1 is for bytes that are not compressed; other negative lengths are refused by the decoder.
    let Ok(length) = u64::try_from(i64::from_le_bytes(*length)) else { return Ok(()) };
    let bytes = compressed.len() as u64;
    if length > bytes.saturating_mul(ratio) {
        return Err(damaged(format!("a length is damaged: {bytes} compressed bytes cannot be {length} bytes")));
    }
    let mut room: Vec<u8> = Vec::new();
    if length > SURE_BYTES && usize::try_from(length).map_or(true, |length| room.try_reserve_exact(length).is_err()) {
        return Err(ArrowError::MemoryError(format!(
            "there is no memory for a buffer of {length} bytes (compressed {bytes}): its length is damaged, or the file has to be written in \
             smaller batches"
        )));
    }
    // The compiler need not ask for room that nobody looks at.
    std::hint::black_box(&room);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};

    use super::*;

    #[test]
    fn lengths_of_compressed_buffers() {
        for (length, compressed, ratio, expected) in [
            (800, 10, LZ4_RATIO, None),
            (2_550, 10, LZ4_RATIO, None),
            (2_551, 10, LZ4_RATIO, Some("10 compressed bytes cannot be 2551 bytes")),
            (-1, 10, LZ4_RATIO, None),
            (0, 0, ZSTD_RATIO, None),
            (1, 0, ZSTD_RATIO, Some("cannot be 1 bytes")),
            (131_072, 4, ZSTD_RATIO, None),
            (131_073, 4, ZSTD_RATIO, Some("cannot be")),
            (i64::MAX, 10, ZSTD_RATIO, Some("cannot be")),
            (i64::MAX, 10, u64::MAX, Some("no memory")),
        ] {
            let buffer = [&i64::to_le_bytes(length)[..], &vec![0; compressed]].concat();
            match (check_buffer(&buffer, ratio), expected) {
                (Ok(()), None) => {}
                (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, _) => panic!("{length} of {compressed}: {found:?}"),
            }
        }
        assert!(check_buffer(b"short", LZ4_RATIO).is_ok());
    }

    #[test]
    fn messages_of_a_stream_one_after_the_other() {
        let column = Arc::new(Int64Array::from_iter_values(0..1000)) as ArrayRef;
        let rows = RecordBatch::try_from_iter([("n", column)]).unwrap();
        for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
            let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
            let mut writer = StreamWriter::try_new_with_options(Vec::new(), &rows.schema(), options).unwrap();
            writer.write(&rows).unwrap();
            writer.write(&rows.slice(0, 0)).unwrap();
            let stream = writer.into_inner().unwrap();
            let (mut rest, mut messages) = (&stream[..], 0);
            while !rest.is_empty() {
                // With fewer bytes it is told that there have to be more.
                for bytes in 0..rest.len() {
                    let needed = bytes_of_message(&rest[..bytes]).unwrap() as usize;
                    assert!(needed <= rest.len());
                    if needed <= bytes {
                        break;
                    }
                }
                let (message, others) = rest.split_at(bytes_of_message(rest).unwrap() as usize);
                check_message(message).unwrap();
                (rest, messages) = (others, messages + 1);
            }
            // The columns, two batches, the end.
            assert_eq!(messages, 4, "{compression:?}");
        }
    }
}
