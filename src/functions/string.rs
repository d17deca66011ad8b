//! Text, digests, URLs, JSON and CSV: printed from the table of functions by `tests/it/api_names/functions.rs`; change the table.

use super::{call, call_function};
use crate::column::{Column, Operand};

/// The code of the first character; 0 for empty text.
pub fn ascii(str: impl Into<Column>) -> Column {
    call("ascii", [str.into()])
}

/// Binary data in base 64; in lines of 76 characters unless `spark.sql.chunkBase64String.enabled` is off.
pub fn base64(bin: impl Into<Column>) -> Column {
    call("base64", [bin.into()])
}

/// How many bits text (in UTF-8) or binary data takes.
pub fn bit_length(expr: impl Into<Column>) -> Column {
    call("bit_length", [expr.into()])
}

/// The text without the blanks, or the characters of `trimStr`, at its ends.
pub fn btrim(str: impl Into<Column>) -> Column {
    call("btrim", [str.into()])
}

/// The text without the blanks, or the characters of `trimStr`, at its ends.
pub fn btrim_with(str: impl Into<Column>, trim_str: impl Operand) -> Column {
    call("btrim", [str.into(), trim_str.into_operand()])
}

/// The character with the code `expr` modulo 256; empty for negative numbers.
pub fn char(expr: impl Into<Column>) -> Column {
    call("char", [expr.into()])
}

/// How many characters text has, or how many bytes binary data.
pub fn char_length(expr: impl Into<Column>) -> Column {
    call("char_length", [expr.into()])
}

/// How many characters text has, or how many bytes binary data.
pub fn character_length(expr: impl Into<Column>) -> Column {
    call("character_length", [expr.into()])
}

/// The character with the code `expr` modulo 256; empty for negative numbers.
pub fn chr(expr: impl Into<Column>) -> Column {
    call("chr", [expr.into()])
}

/// The text under a collation; UTF8_BINARY is the only one.
pub fn collate(expr: impl Into<Column>, collation_name: impl Operand) -> Column {
    call("collate", [expr.into(), collation_name.into_operand()])
}

/// The name of the text's collation.
pub fn collation(expr: impl Into<Column>) -> Column {
    call("collation", [expr.into()])
}

/// Whether `right` stands anywhere in `left`; both text or both binary.
pub fn contains(left: impl Into<Column>, right: impl Into<Column>) -> Column {
    call("contains", [left.into(), right.into()])
}

/// The CRC-32 checksum, as a bigint.
pub fn crc32(expr: impl Into<Column>) -> Column {
    call("crc32", [expr.into()])
}

/// The text that bytes are in a character set. decode(expr, search, result[, search, result]...[, default]) - The result beside the
/// first `search` that `expr` equals (NULL equals NULL), else the default, else NULL.
pub fn decode(bin: impl Into<Column>, charset: impl Operand) -> Column {
    call("decode", [bin.into(), charset.into_operand()])
}

/// The `n`-th input, from 1; an error where there is none, or null in legacy mode.
pub fn elt<C: Into<Column>>(n: impl Into<Column>, columns: impl IntoIterator<Item = C>) -> Column {
    Column::call("elt", [n.into()].into_iter().chain(columns.into_iter().map(Into::into)))
}

/// The bytes of the text in a character set: US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE, UTF-16 or UTF-32.
pub fn encode(str: impl Into<Column>, charset: impl Operand) -> Column {
    call("encode", [str.into(), charset.into_operand()])
}

/// Whether `left` ends with `right`; both text or both binary.
pub fn endswith(left: impl Into<Column>, right: impl Into<Column>) -> Column {
    call("endswith", [left.into(), right.into()])
}

/// The place, from 1, of `str` in a list parted by commas; 0 if it is not there or has a comma itself.
pub fn find_in_set(str: impl Into<Column>, str_array: impl Operand) -> Column {
    call("find_in_set", [str.into(), str_array.into_operand()])
}

/// The number with commas between thousands, rounded half even to `expr2` digits behind the point; or by a pattern `expr2` as of
/// Java's DecimalFormat.
pub fn format_number(expr1: impl Into<Column>, expr2: impl Into<Column>) -> Column {
    call("format_number", [expr1.into(), expr2.into()])
}

/// The values in a format of printf's kind, as Java has it: %s, %d, %,.2f, %05d, %x, %e, %1$s.
pub fn format_string<C: Into<Column>>(strfmt: impl Operand, columns: impl IntoIterator<Item = C>) -> Column {
    Column::call("format_string", [strfmt.into_operand()].into_iter().chain(columns.into_iter().map(Into::into)))
}

/// The CSV text as a struct of that schema; what does not fit is null.
pub fn from_csv(csv_str: impl Into<Column>, schema: impl Operand) -> Column {
    call("from_csv", [csv_str.into(), schema.into_operand()])
}

/// The CSV text as a struct of that schema; what does not fit is null.
pub fn from_csv_with(csv_str: impl Into<Column>, schema: impl Operand, options: impl Operand) -> Column {
    call("from_csv", [csv_str.into(), schema.into_operand(), options.into_operand()])
}

/// The JSON text as a struct, array or map of that schema; what does not fit is null.
pub fn from_json(json_str: impl Into<Column>, schema: impl Operand) -> Column {
    call("from_json", [json_str.into(), schema.into_operand()])
}

/// The JSON text as a struct, array or map of that schema; what does not fit is null.
pub fn from_json_with(json_str: impl Into<Column>, schema: impl Operand, options: impl Operand) -> Column {
    call("from_json", [json_str.into(), schema.into_operand(), options.into_operand()])
}

/// The value at a path such as `$.a[0].b` or `$[*].a`, as text; null for text that is no JSON.
pub fn get_json_object(json_txt: impl Into<Column>, path: impl Operand) -> Column {
    call("get_json_object", [json_txt.into(), path.into_operand()])
}

/// A hash of the values, as an int (Murmur3).
pub fn hash<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_function("hash", columns)
}

/// The text with the first letter of each word in upper case and the others in lower case; blanks part words.
pub fn initcap(str: impl Into<Column>) -> Column {
    call("initcap", [str.into()])
}

/// The place, from 1, at which `substr` first stands in `str`; 0 if it does not.
pub fn instr(str: impl Into<Column>, substr: impl Operand) -> Column {
    call("instr", [str.into(), substr.into_operand()])
}

/// Whether the bytes of the text are UTF-8.
pub fn is_valid_utf8(str: impl Into<Column>) -> Column {
    call("is_valid_utf8", [str.into()])
}

/// How many elements the outermost array has; null for other JSON, and for what is none.
pub fn json_array_length(json_array: impl Into<Column>) -> Column {
    call("json_array_length", [json_array.into()])
}

/// The names of the outermost object's fields; null for other JSON, and for what is none.
pub fn json_object_keys(json_object: impl Into<Column>) -> Column {
    call("json_object_keys", [json_object.into()])
}

/// The values of these fields of the JSON text, as text, in columns c0, c1, …
pub fn json_tuple<O: Operand>(json_str: impl Into<Column>, columns: impl IntoIterator<Item = O>) -> Column {
    Column::call("json_tuple", [json_str.into()].into_iter().chain(columns.into_iter().map(Operand::into_operand)))
}

/// The text in lower case.
pub fn lcase(str: impl Into<Column>) -> Column {
    call("lcase", [str.into()])
}

/// The first `len` characters of text, or bytes of binary data.
pub fn left(str: impl Into<Column>, len: impl Into<Column>) -> Column {
    call("left", [str.into(), len.into()])
}

/// How many characters text has, or how many bytes binary data.
pub fn len(expr: impl Into<Column>) -> Column {
    call("len", [expr.into()])
}

/// How many characters text has, or how many bytes binary data.
pub fn length(expr: impl Into<Column>) -> Column {
    call("length", [expr.into()])
}

/// How many characters must be put, taken out or changed to make one text of the other; -1 where it is more than `threshold`.
pub fn levenshtein(str1: impl Into<Column>, str2: impl Into<Column>) -> Column {
    call("levenshtein", [str1.into(), str2.into()])
}

/// How many characters must be put, taken out or changed to make one text of the other; -1 where it is more than `threshold`.
pub fn levenshtein_with(str1: impl Into<Column>, str2: impl Into<Column>, threshold: impl Into<Column>) -> Column {
    call("levenshtein", [str1.into(), str2.into(), threshold.into()])
}

/// The place, from 1, at which `substr` first stands in `str` at `pos` or behind; 0 if it does not.
pub fn locate(substr: impl Operand, str: impl Into<Column>) -> Column {
    call("locate", [substr.into_operand(), str.into()])
}

/// The place, from 1, at which `substr` first stands in `str` at `pos` or behind; 0 if it does not.
pub fn locate_with(substr: impl Operand, str: impl Into<Column>, pos: impl Into<Column>) -> Column {
    call("locate", [substr.into_operand(), str.into(), pos.into()])
}

/// The text in lower case.
pub fn lower(str: impl Into<Column>) -> Column {
    call("lower", [str.into()])
}

/// The text made `len` characters long: cut off at the end, or filled up at the begin with `pad`, else with blanks. Binary data is
/// made `len` bytes long, and filled up with zeros.
pub fn lpad(str: impl Into<Column>, len: impl Into<Column>) -> Column {
    call("lpad", [str.into(), len.into()])
}

/// The text made `len` characters long: cut off at the end, or filled up at the begin with `pad`, else with blanks. Binary data is
/// made `len` bytes long, and filled up with zeros.
pub fn lpad_with(str: impl Into<Column>, len: impl Into<Column>, pad: impl Operand) -> Column {
    call("lpad", [str.into(), len.into(), pad.into_operand()])
}

/// Whether a text of digits ends in the right check digit by Luhn's rule.
pub fn luhn_check(str: impl Into<Column>) -> Column {
    call("luhn_check", [str.into()])
}

/// The text with U+FFFD for bytes that are no UTF-8.
pub fn make_valid_utf8(str: impl Into<Column>) -> Column {
    call("make_valid_utf8", [str.into()])
}

/// Puts one character for every letter in upper case, one for those in lower case, one for digits and one for all others; a NULL
/// leaves those as they are.
pub fn mask(str: impl Into<Column>) -> Column {
    call("mask", [str.into()])
}

/// Puts one character for every letter in upper case, one for those in lower case, one for digits and one for all others; a NULL
/// leaves those as they are.
pub fn mask_with(
    str: impl Into<Column>,
    upper_char: impl Operand,
    lower_char: impl Operand,
    digit_char: impl Operand,
    other_char: impl Operand,
) -> Column {
    call("mask", [str.into(), upper_char.into_operand(), lower_char.into_operand(), digit_char.into_operand(), other_char.into_operand()])
}

/// The MD5 checksum, in hexadecimal.
pub fn md5(expr: impl Into<Column>) -> Column {
    call("md5", [expr.into()])
}

/// How many bytes text (in UTF-8) or binary data takes.
pub fn octet_length(expr: impl Into<Column>) -> Column {
    call("octet_length", [expr.into()])
}

/// Puts `replace` at the place `pos` over `len` characters (of binary data, bytes), or as many as it has.
pub fn overlay(input: impl Into<Column>, replace: impl Operand, pos: impl Into<Column>) -> Column {
    call("overlay", [input.into(), replace.into_operand(), pos.into()])
}

/// Puts `replace` at the place `pos` over `len` characters (of binary data, bytes), or as many as it has.
pub fn overlay_with(input: impl Into<Column>, replace: impl Operand, pos: impl Into<Column>, len: impl Into<Column>) -> Column {
    call("overlay", [input.into(), replace.into_operand(), pos.into(), len.into()])
}

/// A part of a URL: HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO; with a key its value in the QUERY.
pub fn parse_url(url: impl Into<Column>, part_to_extract: impl Operand) -> Column {
    call("parse_url", [url.into(), part_to_extract.into_operand()])
}

/// A part of a URL: HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO; with a key its value in the QUERY.
pub fn parse_url_with(url: impl Into<Column>, part_to_extract: impl Operand, key: impl Operand) -> Column {
    call("parse_url", [url.into(), part_to_extract.into_operand(), key.into_operand()])
}

/// The place, from 1, at which `substr` first stands in `str` at `pos` or behind; 0 if it does not.
pub fn position(substr: impl Operand, str: impl Into<Column>) -> Column {
    call("position", [substr.into_operand(), str.into()])
}

/// The place, from 1, at which `substr` first stands in `str` at `pos` or behind; 0 if it does not.
pub fn position_with(substr: impl Operand, str: impl Into<Column>, pos: impl Into<Column>) -> Column {
    call("position", [substr.into_operand(), str.into(), pos.into()])
}

/// The values in a format of printf's kind, as Java has it: %s, %d, %,.2f, %05d, %x, %e, %1$s.
pub fn printf<C: Into<Column>>(strfmt: impl Operand, columns: impl IntoIterator<Item = C>) -> Column {
    Column::call("printf", [strfmt.into_operand()].into_iter().chain(columns.into_iter().map(Into::into)))
}

/// The text in single quotes, with a backslash before each single quote in it.
pub fn quote(str: impl Into<Column>) -> Column {
    call("quote", [str.into()])
}

/// Text of so many characters, each of 0-9, a-z and A-Z by chance; the same for the same seed.
pub fn randstr(length: impl Into<Column>) -> Column {
    call("randstr", [length.into()])
}

/// Text of so many characters, each of 0-9, a-z and A-Z by chance; the same for the same seed.
pub fn randstr_with(length: impl Into<Column>, seed: impl Into<Column>) -> Column {
    call("randstr", [length.into(), seed.into()])
}

/// How often a Java regular expression matches.
pub fn regexp_count(str: impl Into<Column>, regexp: impl Operand) -> Column {
    call("regexp_count", [str.into(), regexp.into_operand()])
}

/// The group `idx` (1 if it is not said, 0 for all) of the first match of a Java regular expression; empty without one.
pub fn regexp_extract(str: impl Into<Column>, regexp: impl Operand) -> Column {
    call("regexp_extract", [str.into(), regexp.into_operand()])
}

/// The group `idx` (1 if it is not said, 0 for all) of the first match of a Java regular expression; empty without one.
pub fn regexp_extract_with(str: impl Into<Column>, regexp: impl Operand, idx: impl Into<Column>) -> Column {
    call("regexp_extract", [str.into(), regexp.into_operand(), idx.into()])
}

/// The group `idx` (1 if it is not said, 0 for all) of every match of a Java regular expression.
pub fn regexp_extract_all(str: impl Into<Column>, regexp: impl Operand) -> Column {
    call("regexp_extract_all", [str.into(), regexp.into_operand()])
}

/// The group `idx` (1 if it is not said, 0 for all) of every match of a Java regular expression.
pub fn regexp_extract_all_with(str: impl Into<Column>, regexp: impl Operand, idx: impl Into<Column>) -> Column {
    call("regexp_extract_all", [str.into(), regexp.into_operand(), idx.into()])
}

/// The place, from 1, at which a Java regular expression first matches; 0 if it does not.
pub fn regexp_instr(str: impl Into<Column>, regexp: impl Operand) -> Column {
    call("regexp_instr", [str.into(), regexp.into_operand()])
}

/// Puts `rep` for every match of a Java regular expression from the place `position` on; `$1` in it is the first group.
pub fn regexp_replace(str: impl Into<Column>, regexp: impl Operand, rep: impl Operand) -> Column {
    call("regexp_replace", [str.into(), regexp.into_operand(), rep.into_operand()])
}

/// Puts `rep` for every match of a Java regular expression from the place `position` on; `$1` in it is the first group.
pub fn regexp_replace_with(str: impl Into<Column>, regexp: impl Operand, rep: impl Operand, position: impl Into<Column>) -> Column {
    call("regexp_replace", [str.into(), regexp.into_operand(), rep.into_operand(), position.into()])
}

/// The first match of a Java regular expression; null without one.
pub fn regexp_substr(str: impl Into<Column>, regexp: impl Operand) -> Column {
    call("regexp_substr", [str.into(), regexp.into_operand()])
}

/// The text `n` times.
pub fn repeat(str: impl Into<Column>, n: impl Into<Column>) -> Column {
    call("repeat", [str.into(), n.into()])
}

/// Puts `replace`, or nothing, wherever `search` stands.
pub fn replace(str: impl Into<Column>, search: impl Operand) -> Column {
    call("replace", [str.into(), search.into_operand()])
}

/// Puts `replace`, or nothing, wherever `search` stands.
pub fn replace_with(str: impl Into<Column>, search: impl Operand, replace: impl Operand) -> Column {
    call("replace", [str.into(), search.into_operand(), replace.into_operand()])
}

/// The last `len` characters of text.
pub fn right(str: impl Into<Column>, len: impl Into<Column>) -> Column {
    call("right", [str.into(), len.into()])
}

/// The text made `len` characters long: cut off or filled up at the end with `pad`, else with blanks. Binary data is made `len` bytes
/// long, and filled up with zeros.
pub fn rpad(str: impl Into<Column>, len: impl Into<Column>) -> Column {
    call("rpad", [str.into(), len.into()])
}

/// The text made `len` characters long: cut off or filled up at the end with `pad`, else with blanks. Binary data is made `len` bytes
/// long, and filled up with zeros.
pub fn rpad_with(str: impl Into<Column>, len: impl Into<Column>, pad: impl Operand) -> Column {
    call("rpad", [str.into(), len.into(), pad.into_operand()])
}

/// The type of a constant record of CSV, in DDL.
pub fn schema_of_csv(csv: impl Into<Column>) -> Column {
    call("schema_of_csv", [csv.into()])
}

/// The type of a constant record of CSV, in DDL.
pub fn schema_of_csv_with(csv: impl Into<Column>, options: impl Operand) -> Column {
    call("schema_of_csv", [csv.into(), options.into_operand()])
}

/// The type of constant JSON text, in DDL.
pub fn schema_of_json(json: impl Into<Column>) -> Column {
    call("schema_of_json", [json.into()])
}

/// The type of constant JSON text, in DDL.
pub fn schema_of_json_with(json: impl Into<Column>, options: impl Operand) -> Column {
    call("schema_of_json", [json.into(), options.into_operand()])
}

/// The text's sentences, each as an array of its words.
pub fn sentences(str: impl Into<Column>) -> Column {
    call("sentences", [str.into()])
}

/// The text's sentences, each as an array of its words.
pub fn sentences_with(str: impl Into<Column>, lang: impl Operand, country: impl Operand) -> Column {
    call("sentences", [str.into(), lang.into_operand(), country.into_operand()])
}

/// The SHA-1 hash, in hexadecimal.
pub fn sha(expr: impl Into<Column>) -> Column {
    call("sha", [expr.into()])
}

/// The SHA-1 hash, in hexadecimal.
pub fn sha1(expr: impl Into<Column>) -> Column {
    call("sha1", [expr.into()])
}

/// The SHA-2 hash of 224, 256, 384 or 512 bits, in hexadecimal; 0 is 256, and others give null.
pub fn sha2(expr: impl Into<Column>, bit_length: impl Into<Column>) -> Column {
    call("sha2", [expr.into(), bit_length.into()])
}

/// The Soundex code of a word.
pub fn soundex(str: impl Into<Column>) -> Column {
    call("soundex", [str.into()])
}

/// `n` blanks.
pub fn space(n: impl Into<Column>) -> Column {
    call("space", [n.into()])
}

/// The parts of the text between matches of a Java regular expression, at most `limit` of them where that is positive.
pub fn split(str: impl Into<Column>, regex: impl Operand) -> Column {
    call("split", [str.into(), regex.into_operand()])
}

/// The parts of the text between matches of a Java regular expression, at most `limit` of them where that is positive.
pub fn split_with(str: impl Into<Column>, regex: impl Operand, limit: impl Into<Column>) -> Column {
    call("split", [str.into(), regex.into_operand(), limit.into()])
}

/// The `partNum`-th part of the text between delimiters, from 1, or from the end where it is negative; empty if there is none.
pub fn split_part(str: impl Into<Column>, delimiter: impl Operand, part_num: impl Into<Column>) -> Column {
    call("split_part", [str.into(), delimiter.into_operand(), part_num.into()])
}

/// Whether `left` begins with `right`; both text or both binary.
pub fn startswith(left: impl Into<Column>, right: impl Into<Column>) -> Column {
    call("startswith", [left.into(), right.into()])
}

/// `len` characters (of binary data, bytes) from the place `pos`, counted from 1, or from the end where it is negative.
pub fn substr(str: impl Into<Column>, pos: impl Into<Column>, len: impl Into<Column>) -> Column {
    call("substr", [str.into(), pos.into(), len.into()])
}

/// `len` characters (of binary data, bytes) from the place `pos`, counted from 1, or from the end where it is negative.
pub fn substring(str: impl Into<Column>, pos: impl Into<Column>, len: impl Into<Column>) -> Column {
    call("substring", [str.into(), pos.into(), len.into()])
}

/// What lies before the `count`-th delimiter; where `count` is negative, what lies behind it, counted from the end.
pub fn substring_index(str: impl Into<Column>, delim: impl Operand, count: impl Into<Column>) -> Column {
    call("substring_index", [str.into(), delim.into_operand(), count.into()])
}

/// The bytes of a text in the format 'hex' (if none is said), 'utf-8' or 'base64'.
pub fn to_binary(str: impl Into<Column>) -> Column {
    call("to_binary", [str.into()])
}

/// The bytes of a text in the format 'hex' (if none is said), 'utf-8' or 'base64'.
pub fn to_binary_with(str: impl Into<Column>, fmt: impl Operand) -> Column {
    call("to_binary", [str.into(), fmt.into_operand()])
}

/// A number as text in a format as of `to_number`, a date or timestamp by a datetime pattern, binary data as 'base64', 'hex' or
/// 'utf-8'.
pub fn to_char(expr: impl Into<Column>, format: impl Operand) -> Column {
    call("to_char", [expr.into(), format.into_operand()])
}

/// The struct as a record of CSV.
pub fn to_csv(expr: impl Into<Column>) -> Column {
    call("to_csv", [expr.into()])
}

/// The struct as a record of CSV.
pub fn to_csv_with(expr: impl Into<Column>, options: impl Operand) -> Column {
    call("to_csv", [expr.into(), options.into_operand()])
}

/// The struct, array or map as JSON text.
pub fn to_json(expr: impl Into<Column>) -> Column {
    call("to_json", [expr.into()])
}

/// The struct, array or map as JSON text.
pub fn to_json_with(expr: impl Into<Column>, options: impl Operand) -> Column {
    call("to_json", [expr.into(), options.into_operand()])
}

/// The decimal number that a text says. In the format 0 and 9 are digits (as many as there are, where 0 comes first before the
/// point), `.` or D the point, `,` or G a thousands separator, $ a currency sign, S or MI a sign, PR angle brackets around negative
/// numbers.
pub fn to_number(expr: impl Into<Column>, fmt: impl Operand) -> Column {
    call("to_number", [expr.into(), fmt.into_operand()])
}

/// Another name of `to_char`.
pub fn to_varchar(expr: impl Into<Column>, format: impl Operand) -> Column {
    call("to_varchar", [expr.into(), format.into_operand()])
}

/// Each character of `from` becomes the one at its place in `to`; those without one are taken out.
pub fn translate(input: impl Into<Column>, from: impl Operand, to: impl Operand) -> Column {
    call("translate", [input.into(), from.into_operand(), to.into_operand()])
}

/// As `parse_url`, but null for a URL that is none.
pub fn try_parse_url(url: impl Into<Column>, part_to_extract: impl Operand) -> Column {
    call("try_parse_url", [url.into(), part_to_extract.into_operand()])
}

/// As `parse_url`, but null for a URL that is none.
pub fn try_parse_url_with(url: impl Into<Column>, part_to_extract: impl Operand, key: impl Operand) -> Column {
    call("try_parse_url", [url.into(), part_to_extract.into_operand(), key.into_operand()])
}

/// As `to_binary`, but null for a text or a format that is none.
pub fn try_to_binary(str: impl Into<Column>) -> Column {
    call("try_to_binary", [str.into()])
}

/// As `to_binary`, but null for a text or a format that is none.
pub fn try_to_binary_with(str: impl Into<Column>, fmt: impl Operand) -> Column {
    call("try_to_binary", [str.into(), fmt.into_operand()])
}

/// As `to_number`, but null for a text that does not match the format.
pub fn try_to_number(expr: impl Into<Column>, fmt: impl Operand) -> Column {
    call("try_to_number", [expr.into(), fmt.into_operand()])
}

/// As `url_decode`, but null where it is an error.
pub fn try_url_decode(str: impl Into<Column>) -> Column {
    call("try_url_decode", [str.into()])
}

/// The text, or null where its bytes are no UTF-8.
pub fn try_validate_utf8(str: impl Into<Column>) -> Column {
    call("try_validate_utf8", [str.into()])
}

/// The text in upper case.
pub fn ucase(str: impl Into<Column>) -> Column {
    call("ucase", [str.into()])
}

/// The bytes of a text in base 64.
pub fn unbase64(str: impl Into<Column>) -> Column {
    call("unbase64", [str.into()])
}

/// The text in upper case.
pub fn upper(str: impl Into<Column>) -> Column {
    call("upper", [str.into()])
}

/// The text that `application/x-www-form-urlencoded` stands for; an error where it is none.
pub fn url_decode(str: impl Into<Column>) -> Column {
    call("url_decode", [str.into()])
}

/// The text as `application/x-www-form-urlencoded`.
pub fn url_encode(str: impl Into<Column>) -> Column {
    call("url_encode", [str.into()])
}

/// The text, or an error where its bytes are no UTF-8.
pub fn validate_utf8(str: impl Into<Column>) -> Column {
    call("validate_utf8", [str.into()])
}

/// A hash of the values, as a bigint (xxHash with 64 bits).
pub fn xxhash64<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Column {
    call_function("xxhash64", columns)
}
