//! Arrays from values: array, array_repeat, arrays_zip.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int32Type};

use crate::error::error;
use crate::functions::nested::{Gather, Lists, MAX_LENGTH, NULL, argument, element_of, list_field, list_of, pick, row};
use crate::functions::{Call, Function, Group, KernelArgs, Want};
use crate::kernel::retype::struct_of;
use crate::types::{SparkType, StructField, lattice};
use crate::{Result, Typed};

/// The rows of this file.
pub(in crate::functions) const ROWS: &[Function] = &[
    row("array", Group::Array, "array(expr, ...) - An array of these values.", &[("SELECT array(1, 2, 3)", "[1,2,3]")], array),
    row(
        "array_repeat",
        Group::Array,
        "array_repeat(element, count) - An array that has the element `count` times.",
        &[("SELECT array_repeat('123', 2)", "[\"123\",\"123\"]")],
        array_repeat,
    ),
    row(
        "arrays_zip",
        Group::Array,
        "arrays_zip(a1, a2, ...) - An array of structs: the n-th has the n-th elements of all arrays, null for arrays that are shorter.",
        &[
            ("SELECT arrays_zip(array(1, 2, 3), array(2, 3, 4))", "[{\"0\":1,\"1\":2},{\"0\":2,\"1\":3},{\"0\":3,\"1\":4}]"),
            ("SELECT arrays_zip(array(1, 2), array(2, 3), array(3, 4))", "[{\"0\":1,\"1\":2,\"2\":3},{\"0\":2,\"1\":3,\"2\":4}]"),
        ],
        arrays_zip,
    ),
];

impl Call<'_> {
    /// These values in their common type, and that type; `None` where they have none. Of no values it is the type of NULL, or
    /// text where the session asks for that.
    pub(in crate::functions) fn unify(&self, values: Vec<Typed>) -> Result<Option<(Vec<Typed>, SparkType)>> {
        if values.is_empty() {
            let text = self.settings.flag("spark.sql.legacy.createEmptyCollectionUsingStringType", false)?;
            return Ok(Some((values, if text { SparkType::String } else { SparkType::Null })));
        }
        let Some(common) = lattice::common_type_of(values.iter().map(|v| &v.data_type), self.settings.ansi) else { return Ok(None) };
        let values = values.into_iter().map(|value| self.coerce(value, &common)).collect::<Result<Vec<_>>>()?;
        // A cast may have made other things nullable.
        let common = values.iter().fold(common, |common, value| crate::functions::nested::merged(&common, &value.data_type));
        Ok(Some((values, common)))
    }

    /// The error for values without a common type.
    pub(in crate::functions) fn different(&self, types: impl Iterator<Item = SparkType>) -> crate::Error {
        let types: Vec<String> = types.map(|t| format!("\"{}\"", t.sql())).collect();
        let reason = format!("the arguments of `{}` need one type, and they are ({}); cast them", self.name, types.join(" or "));
        self.mismatch("DATATYPE_MISMATCH.DATA_DIFF_TYPES", reason)
    }
}

fn array(call: &mut Call<'_>) -> Result<Typed> {
    let values = call.values()?;
    let types: Vec<SparkType> = values.iter().map(|v| v.data_type.clone()).collect();
    let Some((values, element)) = call.unify(values)? else { return Err(call.different(types.into_iter())) };
    Ok(array_of(call, values, element))
}

/// An array of these values, which have one type.
pub(in crate::functions) fn array_of(call: &Call<'_>, values: Vec<Typed>, element: SparkType) -> Typed {
    let nulls = values.iter().any(|value| value.nullable);
    call.scalar(array_kernel, values, SparkType::Array(Box::new(element), nulls), false)
}

fn array_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let width = args.arrays.len();
    let mut gather = Gather::new(args.rows);
    gather.reserve(args.rows.saturating_mul(width))?;
    for row in 0..args.rows {
        for source in 0..width {
            gather.push(source, row);
        }
        gather.end()?;
    }
    gather.list(&args.arrays.iter().collect::<Vec<_>>(), args.out)
}

fn array_repeat(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    let (element, count) = (call.arg(0)?, call.expect(1, &Want::Type(SparkType::Integer))?);
    let out = SparkType::Array(Box::new(element.data_type.clone()), element.nullable);
    let nullable = count.nullable;
    Ok(call.scalar(repeat_kernel, vec![element, count], out, nullable))
}

fn repeat_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let (elements, counts) = (argument(args, 0)?, argument(args, 1)?.as_primitive::<Int32Type>());
    let mut gather = Gather::new(args.rows);
    for row in 0..args.rows {
        if counts.is_null(row) {
            gather.end_null();
            continue;
        }
        let count = counts.value(row);
        if i64::from(count) > MAX_LENGTH {
            return Err(error(
                "COLLECTION_SIZE_LIMIT_EXCEEDED.PARAMETER",
                format!("`array_repeat` is asked for an array of {count} elements, and {MAX_LENGTH} is the most: repeat it less often"),
            ));
        }
        let count = usize::try_from(count).unwrap_or(0);
        gather.reserve(count)?;
        for _ in 0..count {
            gather.push(0, row);
        }
        gather.end()?;
    }
    gather.list(&[elements], args.out)
}

fn arrays_zip(call: &mut Call<'_>) -> Result<Typed> {
    let mut fields = Vec::new();
    let mut values = Vec::new();
    for at in 0..call.len() {
        let value = call.expect(at, &Want::Array)?;
        let Some((element, _)) = element_of(&value.data_type) else { return Err(call.unexpected_type(at, &value, "\"ARRAY\"")) };
        let name = value.name.clone().unwrap_or_else(|| at.to_string());
        fields.push(StructField::new(name, element.clone()));
        values.push(value);
    }
    let nullable = values.iter().any(|value| value.nullable);
    Ok(call.scalar(zip_kernel, values, SparkType::Array(Box::new(SparkType::Struct(fields)), false), nullable))
}

fn zip_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let lists = args.arrays.iter().map(Lists::new).collect::<Result<Vec<_>>>()?;
    let (mut offsets, mut valid, mut total) = (vec![0], Vec::with_capacity(args.rows), 0_usize);
    let mut picks: Vec<Vec<(usize, usize)>> = vec![Vec::new(); lists.len()];
    for row in 0..args.rows {
        let ranges: Option<Vec<_>> = lists.iter().map(|list| list.range(row)).collect();
        valid.push(ranges.is_some());
        if let Some(ranges) = ranges {
            let longest = ranges.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
            for (picks, range) in picks.iter_mut().zip(ranges) {
                picks.extend((0..longest).map(|i| if i < range.len() { (0, range.start + i) } else { (NULL, 0) }));
            }
            total += longest;
        }
        offsets.push(i32::try_from(total).map_err(|_| crate::functions::nested::too_large())?);
    }
    let field = list_field(args.out)?;
    let DataType::Struct(fields) = field.data_type() else {
        return Err(crate::kernel::retype::wrong_layout("a struct", field.data_type()));
    };
    let columns = lists
        .iter()
        .zip(&picks)
        .zip(fields)
        .map(|((list, picks), field)| pick(&[list.values()], picks, field.data_type()))
        .collect::<Result<Vec<_>>>()?;
    list_of(&field, offsets, &valid, struct_of(fields, &columns, None, total)?)
}
