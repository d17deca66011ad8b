//! `bit_and`, `bit_or`, `bit_xor`, and bitmaps.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::Accumulator;

use super::udaf::{How, Spec, make};
use super::{plain, row, shown_as};
use crate::error::error;
use crate::functions::{Call, Function, Want};
use crate::types::SparkType::{Binary, Long};
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[
    row(
        "bit_and",
        "bit_and(expr) - The bits that all values have.",
        &[("SELECT bit_and(col) FROM VALUES (3), (5) AS tab(col)", "1")],
        |call| bits(call, "bit_and", How::Fold { one: |spec| Bits::make(spec, |a, b| a & b), many: None, state: kept }),
    ),
    row("bit_or", "bit_or(expr) - The bits that any value has.", &[("SELECT bit_or(col) FROM VALUES (3), (5) AS tab(col)", "7")], |call| {
        bits(call, "bit_or", How::Fold { one: |spec| Bits::make(spec, |a, b| a | b), many: None, state: kept })
    }),
    row(
        "bit_xor",
        "bit_xor(expr) - The bits that an odd number of values have.",
        &[("SELECT bit_xor(col) FROM VALUES (3), (5) AS tab(col)", "6")],
        |call| bits(call, "bit_xor", How::Fold { one: |spec| Bits::make(spec, |a, b| a ^ b), many: None, state: kept }),
    ),
    row(
        "bitmap_construct_agg",
        "bitmap_construct_agg(position) - A bitmap of 4096 bytes in which the bits at these positions are set.",
        &[("SELECT substring(hex(bitmap_construct_agg(bitmap_bit_position(col))), 0, 6) FROM VALUES (1), (2), (3) AS tab(col)", "070000")],
        |call| {
            call.arity(1..=1)?;
            plain(call, false)?;
            let position = call.want_type(0, Long)?;
            let how = How::Fold { one: |_| Ok(Box::new(Bitmap::new(Step::Set))), many: None, state: |_| vec![DataType::Binary] };
            Ok(make(call, "bitmap_construct_agg", how, vec![position], vec![], Binary, false).shown(shown_as(call, call.name)?))
        },
    ),
    row(
        "bitmap_or_agg",
        "bitmap_or_agg(bitmap) - The bits that any of the bitmaps has.",
        &[("SELECT substring(hex(bitmap_or_agg(col)), 0, 6) FROM VALUES (X '10'), (X '20'), (X '40') AS tab(col)", "700000")],
        |call| {
            bitmaps(
                call,
                "bitmap_or_agg",
                How::Fold { one: |_| Ok(Box::new(Bitmap::new(Step::Or))), many: None, state: |_| vec![DataType::Binary] },
            )
        },
    ),
    row(
        "bitmap_and_agg",
        "bitmap_and_agg(bitmap) - The bits that all of the bitmaps have.",
        &[("SELECT substring(hex(bitmap_and_agg(col)), 0, 6) FROM VALUES (X 'F0'), (X '70'), (X '30') AS tab(col)", "300000")],
        |call| {
            bitmaps(
                call,
                "bitmap_and_agg",
                How::Fold { one: |_| Ok(Box::new(Bitmap::new(Step::And))), many: None, state: |_| vec![DataType::Binary] },
            )
        },
    ),
];

fn kept(_: &Spec) -> Vec<DataType> {
    vec![DataType::Int64]
}

fn bits(call: &mut Call<'_>, name: &'static str, how: How) -> Result<Typed> {
    call.arity(1..=1)?;
    plain(call, false)?;
    let value = call.want(0, &Want::Integral)?;
    let out = value.data_type.clone();
    Ok(make(call, name, how, vec![value], vec![], out, true).shown(shown_as(call, name)?))
}

fn bitmaps(call: &mut Call<'_>, name: &'static str, how: How) -> Result<Typed> {
    call.arity(1..=1)?;
    plain(call, false)?;
    let value = call.arg(0)?;
    if value.data_type != Binary {
        return Err(call.unexpected_type(0, &value, "\"BINARY\""));
    }
    Ok(make(call, name, how, vec![value], vec![], Binary, false).shown(shown_as(call, name)?))
}

/// Whole numbers folded bit by bit.
#[derive(Debug)]
struct Bits {
    bits: Option<i64>,
    step: fn(i64, i64) -> i64,
    out: DataType,
}

impl Bits {
    fn make(spec: &Arc<Spec>, step: fn(i64, i64) -> i64) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Self { bits: None, step, out: spec.arrow() }))
    }
}

impl Accumulator for Bits {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let Some(values) = values.first() else { return Ok(()) };
        let values = cast(values, &DataType::Int64)?;
        let batch = values.as_primitive::<Int64Type>().iter().flatten().reduce(self.step);
        self.bits = match (self.bits, batch) {
            (Some(a), Some(b)) => Some((self.step)(a, b)),
            (a, b) => a.or(b),
        };
        Ok(())
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        ScalarValue::Int64(self.bits).cast_to(&self.out)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Int64(self.bits)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        self.update_batch(states)
    }
}

/// How many bytes a bitmap has.
const BYTES: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Set,
    Or,
    And,
}

#[derive(Debug)]
struct Bitmap {
    step: Step,
    bytes: Vec<u8>,
}

impl Bitmap {
    fn new(step: Step) -> Self {
        Self { step, bytes: vec![if step == Step::And { 0xFF } else { 0 }; BYTES] }
    }

    fn set(&mut self, position: i64) -> Result<()> {
        let byte = usize::try_from(position / 8).ok().filter(|_| position >= 0).and_then(|at| self.bytes.get_mut(at));
        let Some(byte) = byte else {
            let message = format!("a bitmap has the positions from 0 to {}, and not {position}", BYTES * 8 - 1);
            return Err(error("INVALID_BITMAP_POSITION", message));
        };
        *byte |= 1 << (position % 8);
        Ok(())
    }

    fn join(&mut self, other: &[u8]) {
        for (at, byte) in self.bytes.iter_mut().enumerate() {
            let there = other.get(at).copied().unwrap_or(0);
            if self.step == Step::And { *byte &= there } else { *byte |= there }
        }
    }
}

impl Accumulator for Bitmap {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let Some(values) = values.first() else { return Ok(()) };
        if self.step == Step::Set {
            for position in values.as_primitive::<Int64Type>().iter().flatten() {
                self.set(position).map_err(DataFusionError::from)?;
            }
            return Ok(());
        }
        self.merge_batch(std::slice::from_ref(values))
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        Ok(ScalarValue::Binary(Some(self.bytes.clone())))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.bytes.capacity()
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Binary(Some(self.bytes.clone()))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        let Some(states) = states.first() else { return Ok(()) };
        for bytes in states.as_binary::<i32>().iter().flatten() {
            self.join(bytes);
        }
        Ok(())
    }
}
