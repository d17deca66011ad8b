//! How many different texts a column of a Parquet file is likely to have, by what its footer says of the column's size: where texts are
//! kept in dictionaries, a row costs the bits that number a text. It reads no page.

use std::collections::HashMap;

use datafusion::parquet::basic::{Encoding, Type};
use datafusion::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

/// Numbers of as many bits stand for half as many values and one, or for twice as many at most: what lies between is taken.
const WITHIN_A_BIT: f64 = 0.75;

/// By name the columns whose dictionaries tell how many different texts they have; not those of parts of a nested column.
///
/// Source: the Parquet format's "Dictionary Encoding": a page of indices packs each in as many bits as the largest needs. Runs of one value
/// are shorter still, so that the answer may be too small, and never smaller than what the dictionary's own bytes hold.
pub(super) fn distinct_texts(footer: &ParquetMetaData) -> HashMap<&str, usize> {
    let leaves = footer.file_metadata().schema_descr().columns().iter().enumerate();
    let texts = leaves.filter(|(_, leaf)| leaf.physical_type() == Type::BYTE_ARRAY && leaf.path().parts().len() == 1);
    let told = texts.filter_map(|(at, leaf)| {
        let in_groups: Option<Vec<usize>> = footer.row_groups().iter().map(|group| in_chunk(group.column(at))).collect();
        Some((leaf.name(), in_groups?.into_iter().max()?))
    });
    told.collect()
}

fn in_chunk(chunk: &ColumnChunkMetaData) -> Option<usize> {
    let indexed = chunk.encodings().any(|encoding| matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY));
    let dictionary = chunk.data_page_offset() - chunk.dictionary_page_offset().filter(|_| indexed)?;
    let pages = chunk.compressed_size() - dictionary;
    let rows = chunk.num_values();
    if dictionary <= 0 || pages <= 0 || rows <= 0 {
        return None;
    }
    let bits = (pages as f64 * 8.0 / rows as f64).round();
    // More bits than there are rows to number: the pages hold the texts themselves.
    if bits > (rows as f64).log2().ceil() + 1.0 {
        return None;
    }
    let by_bits = if bits < 1.0 { 1.0 } else { bits.exp2() * WITHIN_A_BIT };
    let bounds = chunk.statistics().and_then(|known| Some(known.min_bytes_opt()?.len().max(known.max_bytes_opt()?.len())));
    let by_bytes = bounds.map_or(0.0, |longest| dictionary as f64 / (longest as f64 + 4.0));
    Some(by_bits.max(by_bytes).min(rows as f64).max(1.0) as usize)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use bytes::Bytes;
    use datafusion::parquet::arrow::ArrowWriter;
    use datafusion::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
    use datafusion::parquet::file::properties::WriterProperties;

    use super::distinct_texts;

    /// Rows in which `t` has so many values, in no order of theirs.
    fn footer(values: u64, dictionary: bool) -> ParquetMetaData {
        let scattered = |row: u64| row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
        let columns: [(&str, ArrayRef); 2] = [
            ("t", Arc::new((0..50_000).map(|row| Some(format!("value {}", scattered(row) % values))).collect::<StringArray>())),
            ("n", Arc::new(Int64Array::from_iter_values(0..50_000))),
        ];
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let properties = WriterProperties::builder().set_dictionary_enabled(dictionary).set_max_row_group_row_count(Some(30_000)).build();
        let mut file = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut file, rows.schema(), Some(properties)).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
        ParquetMetaDataReader::new().parse_and_finish(&Bytes::from(file)).unwrap()
    }

    #[test]
    fn as_many_texts_as_there_are_within_a_factor_of_two() {
        for values in [2, 5, 25, 150, 1000, 10_000] {
            let told = distinct_texts(&footer(values, true))["t"] as f64;
            assert!(told >= values as f64 / 2.0 && told <= values as f64 * 2.0, "{values} values, taken for {told}");
        }
    }

    #[test]
    fn what_has_no_dictionary_or_is_no_text_tells_nothing() {
        assert!(distinct_texts(&footer(25, false)).is_empty());
        assert_eq!(distinct_texts(&footer(25, true)).into_keys().collect::<Vec<_>>(), ["t"]);
    }
}
