//! `histogram_numeric`: bins that follow the values, by Ben-Haim and Tom-Tov, as Hive has them.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, StructArray};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::ScalarValue;

use super::udaf::{How, Spec, list_of, make};
use super::{plain, row, shown_as};
use crate::functions::math::whole::interval_as_double;
use crate::functions::{Call, Function, KernelArgs, SparkScalar, Want};
use crate::types::SparkType::{self, Date, Double, Integer, Timestamp, TimestampNtz};
use crate::types::{StructField, to_arrow};
use crate::{Result, Typed};

pub(in crate::functions) const ROWS: &[Function] = &[row(
    "histogram_numeric",
    "histogram_numeric(expr, bins) - At most so many bins with centre `x` and height `y` that the values fall into.",
    &[(
        "SELECT histogram_numeric(col, 5) FROM VALUES (0), (1), (2), (10) AS tab(col)",
        "[{\"x\":0,\"y\":1.0},{\"x\":1,\"y\":1.0},{\"x\":2,\"y\":1.0},{\"x\":10,\"y\":1.0}]",
    )],
    build,
)];

fn build(call: &mut Call<'_>) -> Result<Typed> {
    call.arity(2..=2)?;
    plain(call, false)?;
    let given = call.arg(0)?;
    let value = match &given.data_type {
        Date | Timestamp | TimestampNtz => given,
        _ => call.want(0, &Want::NumericOrInterval)?,
    };
    let bins = match call.constant(1, &Integer)? {
        ScalarValue::Int32(Some(bins)) => bins,
        _ => {
            let message = format!("cannot resolve \"{}\": the number of bins is null; give 2 or more", call.sql());
            return Err(call.refuse("DATATYPE_MISMATCH.UNEXPECTED_NULL", message));
        }
    };
    if bins < 2 {
        let message = format!("cannot resolve \"{}\": there are 2 bins or more, and not {bins}", call.sql());
        return Err(call.refuse("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", message));
    }
    let keeps = call.settings.flag("spark.sql.legacy.histogramNumericPropagateInputType", true)?;
    let of = if keeps { value.data_type.clone() } else { Double };
    let fields = vec![StructField::new("x", of), StructField::new("y", Double)];
    let out = SparkType::array(SparkType::Struct(fields));
    let number = match &value.data_type {
        interval if interval.is_ansi_interval() => interval_as_double(call, value),
        Date | Timestamp | TimestampNtz => {
            let types = vec![value.data_type.clone()];
            let function = SparkScalar::new("datetime_as_double", datetime_kernel, types, Double, Arc::clone(call.settings));
            Typed { expr: function.call(vec![value.expr]), data_type: Double, ..value }
        }
        _ => call.cast(value, &Double)?,
    };
    let constants = vec![ScalarValue::Int32(Some(bins))];
    Ok(make(call, "histogram_numeric", How::Whole(evaluate), vec![number], constants, out, true).shown(shown_as(call, call.name)?))
}

/// Days or microseconds.
fn datetime_kernel(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let whole = if args.types.first() == Some(&Date) { DataType::Int32 } else { DataType::Int64 };
    let numbers = arrow::compute::cast(&args.arrays[0], &whole)?;
    Ok(arrow::compute::cast(&numbers, &DataType::Float64)?)
}

fn evaluate(spec: &Spec, columns: &[ArrayRef]) -> Result<ScalarValue> {
    let Some(values) = columns.first() else { return spec.null() };
    let bins = if let Some(ScalarValue::Int32(Some(bins))) = spec.constants.first() { *bins } else { 2 };
    let mut histogram = Histogram { most: usize::try_from(bins).unwrap_or(2), bins: Vec::new(), random: JavaRandom::new(31183) };
    for value in values.as_primitive::<Float64Type>().iter().flatten() {
        histogram.add(value);
    }
    if histogram.bins.is_empty() {
        return spec.null();
    }
    let DataType::List(item) = spec.arrow() else { return spec.null() };
    let DataType::Struct(fields) = item.data_type() else { return spec.null() };
    let (x, y): (Vec<f64>, Vec<f64>) = histogram.bins.into_iter().unzip();
    let of = if let SparkType::Array(item, _) = &spec.out
        && let SparkType::Struct(fields) = item.as_ref()
    {
        fields.first().map_or(Double, |field| field.data_type.clone())
    } else {
        Double
    };
    let x: ArrayRef = centres(&of, x)?;
    let pairs = StructArray::try_new(fields.clone(), vec![x, Arc::new(Float64Array::from(y))], None)?;
    list_of(spec, Arc::new(pairs))
}

/// The centres in the type of the values: towards zero, decimals half up.
fn centres(of: &SparkType, x: Vec<f64>) -> Result<ArrayRef> {
    let target = to_arrow(of);
    let numbers: ArrayRef = Arc::new(Float64Array::from(x));
    Ok(match of {
        SparkType::YearMonthInterval(..) => {
            let months = arrow::compute::cast(&numbers, &DataType::Int32)?;
            Arc::new(months.as_primitive::<arrow::datatypes::Int32Type>().reinterpret_cast::<arrow::datatypes::IntervalYearMonthType>())
        }
        Date => arrow::compute::cast(&arrow::compute::cast(&numbers, &DataType::Int32)?, &target)?,
        Timestamp | TimestampNtz | SparkType::DayTimeInterval(..) => {
            arrow::compute::cast(&arrow::compute::cast(&numbers, &DataType::Int64)?, &target)?
        }
        _ => arrow::compute::cast(&numbers, &target)?,
    })
}

#[derive(Debug)]
struct Histogram {
    most: usize,
    /// (centre, height), by centre
    bins: Vec<(f64, f64)>,
    random: JavaRandom,
}

impl Histogram {
    fn add(&mut self, value: f64) {
        let at = self.bins.partition_point(|(x, _)| x.total_cmp(&value).is_lt());
        match self.bins.get_mut(at) {
            Some((x, y)) if *x == value => *y += 1.0,
            _ => {
                self.bins.insert(at, (value, 1.0));
                if self.bins.len() > self.most {
                    self.merge_closest();
                }
            }
        }
    }

    /// Makes one bin of the two that are closest; of several such pairs, a random one.
    fn merge_closest(&mut self) {
        let mut closest: Option<(usize, f64)> = None;
        let mut ties = 1.0;
        for (i, pair) in self.bins.windows(2).enumerate() {
            let [(left, _), (right, _)] = pair else { continue };
            let gap = right - left;
            match closest {
                Some((_, least)) if gap == least => {
                    ties += 1.0;
                    if self.random.double() <= 1.0 / ties {
                        closest = Some((i, gap));
                    }
                }
                Some((_, least)) if gap >= least || gap.is_nan() => {}
                _ => {
                    closest = Some((i, gap));
                    ties = 1.0;
                }
            }
        }
        let Some((at, _)) = closest else { return };
        let (x2, y2) = self.bins.remove(at + 1);
        if let Some((x, y)) = self.bins.get_mut(at) {
            let height = *y + y2;
            *x = *x * (*y / height) + x2 / height * y2;
            *y = height;
        }
    }
}

/// `java.util.Random`.
#[derive(Debug)]
struct JavaRandom(u64);

impl JavaRandom {
    const MULTIPLIER: u64 = 0x5_DEEC_E66D;
    const MASK: u64 = (1 << 48) - 1;

    fn new(seed: u64) -> Self {
        Self((seed ^ Self::MULTIPLIER) & Self::MASK)
    }

    fn next(&mut self, bits: u32) -> u64 {
        self.0 = self.0.wrapping_mul(Self::MULTIPLIER).wrapping_add(0xB) & Self::MASK;
        self.0 >> (48 - bits)
    }

    fn double(&mut self) -> f64 {
        let high = self.next(26) << 27;
        (high + self.next(27)) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins() {
        let mut histogram = Histogram { most: 2, bins: Vec::new(), random: JavaRandom::new(31183) };
        for value in [0.0, 1.0, 10.0, 11.0, 11.0] {
            histogram.add(value);
        }
        assert_eq!(histogram.bins.len(), 2);
        assert_eq!(histogram.bins.iter().map(|(_, y)| y).sum::<f64>(), 5.0);
        assert_eq!(histogram.bins.first(), Some(&(0.5, 2.0)));
        // What Java gives for this seed.
        assert_eq!(JavaRandom::new(42).double(), 0.727_563_680_032_868_1);
    }
}
