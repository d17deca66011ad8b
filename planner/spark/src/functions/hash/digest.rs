//! Checksums of binary data: MD5, SHA, CRC-32.

use arrow::datatypes::Int64Type;
use md5::Digest;

use crate::functions::string::column::{binary, ints, row_of, simple, simple_nullable, strings, values};
use crate::functions::{Call, Function, Group, Want};
use crate::types::SparkType;
use crate::{Result, Typed};

pub(super) const ROWS: &[Function] = &[
    row_of(
        Group::Hash,
        "md5",
        "md5(expr) - The MD5 checksum, in hexadecimal.",
        &[("SELECT md5('Spark')", "8cde774d6f7333752ed72cacddb05126")],
        |call| {
            simple(
                call,
                &[Want::Type(SparkType::Binary)],
                |args| {
                    let input = binary(args, 0)?;
                    strings(args, |row| Ok(Some(hex::encode(md5::Md5::digest(input.value(row))))))
                },
                SparkType::String,
            )
        },
    ),
    row_of(
        Group::Hash,
        "sha1",
        "sha1(expr) - The SHA-1 hash, in hexadecimal.",
        &[("SELECT sha1('Spark')", "85f5955f4b27a9a4c2aab6ffe5d7189fc298b92c")],
        sha1,
    ),
    row_of(
        Group::Hash,
        "sha",
        "sha(expr) - The SHA-1 hash, in hexadecimal.",
        &[("SELECT sha('Spark')", "85f5955f4b27a9a4c2aab6ffe5d7189fc298b92c")],
        sha1,
    ),
    row_of(
        Group::Hash,
        "sha2",
        "sha2(expr, bitLength) - The SHA-2 hash of 224, 256, 384 or 512 bits, in hexadecimal; 0 is 256, and others give null.",
        &[("SELECT sha2('Spark', 256)", "529bc3b07127ecb7e53a4dcf1991d9152c24537d919178022b2c42657f79a26b")],
        |call| {
            simple_nullable(
                call,
                &[Want::Type(SparkType::Binary), Want::Type(SparkType::Integer)],
                |args| {
                    let (input, bits) = (binary(args, 0)?, ints(args, 1)?);
                    strings(args, |row| {
                        let input = input.value(row);
                        Ok(match bits.value(row) {
                            224 => Some(hex::encode(sha2::Sha224::digest(input))),
                            0 | 256 => Some(hex::encode(sha2::Sha256::digest(input))),
                            384 => Some(hex::encode(sha2::Sha384::digest(input))),
                            512 => Some(hex::encode(sha2::Sha512::digest(input))),
                            _ => None,
                        })
                    })
                },
                SparkType::String,
            )
        },
    ),
    row_of(Group::Hash, "crc32", "crc32(expr) - The CRC-32 checksum, as a bigint.", &[("SELECT crc32('Spark')", "1557323817")], |call| {
        simple(
            call,
            &[Want::Type(SparkType::Binary)],
            |args| {
                let input = binary(args, 0)?;
                values::<Int64Type>(args, |row| Ok(Some(i64::from(crc32fast::hash(input.value(row))))))
            },
            SparkType::Long,
        )
    }),
];

fn sha1(call: &mut Call<'_>) -> Result<Typed> {
    simple(
        call,
        &[Want::Type(SparkType::Binary)],
        |args| {
            let input = binary(args, 0)?;
            strings(args, |row| Ok(Some(hex::encode(sha1::Sha1::digest(input.value(row))))))
        },
        SparkType::String,
    )
}
