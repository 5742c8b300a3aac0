//! `google.protobuf.Timestamp` and `google.protobuf.Duration`.

use chrono::{DateTime, Datelike as _, SecondsFormat, TimeDelta, Timelike as _, Utc};
use serde::ser::{Error as _, Serializer};

use super::input::Found;
use super::scalar::scalars;
use super::value::FullName;

/// The largest duration that protobuf can express, in seconds: about 10,000 years.
const MAX_SECONDS: i64 = 315_576_000_000;

scalars! {
    DateTime<Utc>: "an RFC 3339 timestamp", read_timestamp, write_timestamp;
    TimeDelta: "a duration in seconds such as \"1.5s\"", read_duration, write_duration;
}

impl FullName for DateTime<Utc> {
    const FULL_NAME: &'static str = "google.protobuf.Timestamp";
    const IS_WELL_KNOWN: bool = true;
}

impl FullName for TimeDelta {
    const FULL_NAME: &'static str = "google.protobuf.Duration";
    const IS_WELL_KNOWN: bool = true;
}

/// Whether protobuf can express the timestamp.
fn expressible(timestamp: &DateTime<Utc>) -> bool {
    (1..=9999).contains(&timestamp.year())
}

fn read_timestamp(scalar: Found<'_>) -> Option<DateTime<Utc>> {
    let timestamp = DateTime::parse_from_rfc3339(&scalar.text()?)
        .ok()?
        .with_timezone(&Utc);
    expressible(&timestamp).then_some(timestamp)
}

fn write_timestamp<S: Serializer>(
    timestamp: &DateTime<Utc>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if !expressible(timestamp) {
        return Err(S::Error::custom(
            "a timestamp must lie in the years 1 to 9999",
        ));
    }
    // A leap second, which chrono keeps as a nanosecond beyond the last; protobuf has none, and refuses the second 60.
    let leap = timestamp.nanosecond().checked_sub(1_000_000_000);
    let next = leap.and_then(|nanos| DateTime::from_timestamp(timestamp.timestamp() + 1, nanos));
    let timestamp = next.filter(expressible).unwrap_or(*timestamp);
    serializer.serialize_str(&timestamp.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

fn read_duration(scalar: Found<'_>) -> Option<TimeDelta> {
    let text = scalar.text()?;
    let unsigned = text.strip_suffix('s')?;
    let (sign, unsigned) = unsigned
        .strip_prefix('-')
        .map_or((1, unsigned), |rest| (-1, rest));
    let (seconds, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    if seconds > MAX_SECONDS || (seconds == MAX_SECONDS && nanos > 0) {
        return None;
    }
    TimeDelta::try_seconds(sign * seconds)?.checked_add(&TimeDelta::nanoseconds(sign * nanos))
}

fn write_duration<S: Serializer>(duration: &TimeDelta, serializer: S) -> Result<S::Ok, S::Error> {
    // Both parts carry the sign, and -0.5 s has no whole second to show it: it is written once, in front.
    let sign = if *duration < TimeDelta::zero() {
        "-"
    } else {
        ""
    };
    let seconds = duration.num_seconds().unsigned_abs();
    let nanos = duration.subsec_nanos().unsigned_abs();
    let limit = MAX_SECONDS.unsigned_abs();
    if seconds > limit || (seconds == limit && nanos > 0) {
        return Err(S::Error::custom(
            "a duration must lie within 315,576,000,000 seconds",
        ));
    }
    if nanos == 0 {
        serializer.collect_str(&format_args!("{sign}{seconds}s"))
    } else if nanos.is_multiple_of(1_000_000) {
        serializer.collect_str(&format_args!("{sign}{seconds}.{:03}s", nanos / 1_000_000))
    } else if nanos.is_multiple_of(1_000) {
        serializer.collect_str(&format_args!("{sign}{seconds}.{:06}s", nanos / 1_000))
    } else {
        serializer.collect_str(&format_args!("{sign}{seconds}.{nanos:09}s"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::sample::{refusal, round, written};

    fn nanos(total: i64) -> TimeDelta {
        TimeDelta::nanoseconds(total)
    }

    #[test]
    fn durations_are_exact_both_ways() {
        for (json, value) in [
            ("\"0s\"", nanos(0)),
            ("\"3600s\"", TimeDelta::seconds(3600)),
            ("\"1.500s\"", nanos(1_500_000_000)),
            ("\"-1.500s\"", nanos(-1_500_000_000)),
            ("\"-0.500s\"", nanos(-500_000_000)),
            ("\"0.000001s\"", nanos(1_000)),
            ("\"-0.000000001s\"", nanos(-1)),
            ("\"1.000000001s\"", nanos(1_000_000_001)),
            ("\"315576000000s\"", TimeDelta::seconds(MAX_SECONDS)),
            ("\"-315576000000s\"", TimeDelta::seconds(-MAX_SECONDS)),
        ] {
            assert_eq!(round::<TimeDelta>(json), Some(value), "{json}");
            assert_eq!(written(&value), json);
        }
        // Shorter forms are read as well.
        assert_eq!(round::<TimeDelta>("\"-0.5s\""), Some(nanos(-500_000_000)));
        assert_eq!(round::<TimeDelta>("\"-0s\""), Some(nanos(0)));
    }

    #[test]
    fn other_durations_are_refused() {
        for json in [
            "\"1h\"",
            "\"1m30s\"",
            "\"1\"",
            "\"s\"",
            "\"-s\"",
            "\".5s\"",
            "\"1.s\"",
            "\"+1s\"",
            "\"--1s\"",
            "\"1.-5s\"",
            "\"1.0000000001s\"",
            "\"315576000001s\"",
            "\"315576000000.1s\"",
            "\"99999999999999999999s\"",
            "5",
            "\"\"",
        ] {
            assert_eq!(
                refusal::<TimeDelta>(json),
                "expected a duration in seconds such as \"1.5s\"",
                "{json}"
            );
        }
        let too_long = TimeDelta::seconds(-MAX_SECONDS - 1);
        assert!(serde_json::to_string(&crate::wire::value::Encode(&too_long)).is_err());
    }

    #[test]
    fn timestamps_are_utc_with_as_many_digits_as_needed() {
        for (json, canonical) in [
            ("\"2024-02-29T23:59:59Z\"", "\"2024-02-29T23:59:59Z\""),
            ("\"2024-02-29T23:59:59.5Z\"", "\"2024-02-29T23:59:59.500Z\""),
            (
                "\"2024-02-29T23:59:59.000250Z\"",
                "\"2024-02-29T23:59:59.000250Z\"",
            ),
            (
                "\"2024-02-29T23:59:59.123456789Z\"",
                "\"2024-02-29T23:59:59.123456789Z\"",
            ),
            ("\"2024-03-01T01:00:00+02:00\"", "\"2024-02-29T23:00:00Z\""),
            ("\"0001-01-01T00:00:00Z\"", "\"0001-01-01T00:00:00Z\""),
            (
                "\"1969-12-31T23:59:59.999Z\"",
                "\"1969-12-31T23:59:59.999Z\"",
            ),
            // Not of protobuf's form, but read; what is written is of it.
            ("\"2016-12-31T23:59:60Z\"", "\"2017-01-01T00:00:00Z\""),
            (
                "\"2016-12-31T23:59:60.25Z\"",
                "\"2017-01-01T00:00:00.250Z\"",
            ),
            ("\"2024-02-29 23:59:59z\"", "\"2024-02-29T23:59:59Z\""),
            (
                "\"2024-02-29T23:59:59.1234567899Z\"",
                "\"2024-02-29T23:59:59.123456789Z\"",
            ),
        ] {
            let value = round::<DateTime<Utc>>(json).unwrap();
            assert_eq!(written(&value), canonical);
        }
    }

    #[test]
    fn other_timestamps_are_refused() {
        for json in [
            "\"2024-02-30T00:00:00Z\"",
            "\"2024-02-29\"",
            "\"0000-12-31T00:00:00Z\"",
            "1709251199",
            "\"\"",
        ] {
            assert_eq!(
                refusal::<DateTime<Utc>>(json),
                "expected an RFC 3339 timestamp",
                "{json}"
            );
        }
        let too_late = DateTime::<Utc>::MAX_UTC;
        assert!(serde_json::to_string(&crate::wire::value::Encode(&too_late)).is_err());
    }
}
