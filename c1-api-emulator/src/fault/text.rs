//! Faults as text: `apps.*: times=2, status=503`.

use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

use super::Fault;
use super::effects::{self, Content, Effects, End, Page, RetryAfter, Token};

/// A text is not a fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid fault: expected {expected}")]
pub struct FaultError {
    expected: String,
}

impl FaultError {
    fn new(expected: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
        }
    }

    /// What was expected.
    pub(crate) fn expected(&self) -> &str {
        &self.expected
    }

    /// What was expected of the setting.
    fn of(name: &str, expected: &str) -> Self {
        Self::new(format!("{expected} for {name}"))
    }
}

const SETTINGS: &str = "one of the settings path, after, times, every, probability, limit, latency, clock, token, status, \
    retry-after, retry-after-date, body, page, cut and hang with a value, or one of unknown-enums, unknown-fields, \
    duplicate-key and reset without";

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut fault = Self::new();
        let mut settings = text;
        if let Some((pattern, rest)) = text.split_once(':')
            && !pattern.contains(['=', ','])
        {
            fault = fault.operation(pattern.trim());
            settings = rest;
        }
        for setting in settings.split(',') {
            let setting = setting.trim();
            let (name, value) = match setting.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (setting, None),
            };
            fault = fault.set(name, value)?;
        }
        if fault.effects == Effects::default() && fault.limit.is_none() {
            return Err(FaultError::new("at least one effect, such as status=503"));
        }
        Ok(fault)
    }
}

impl Fault {
    /// The effects of the fault of one request.
    ///
    /// # Errors
    ///
    /// If it has a selection.
    pub(crate) fn into_effects(self) -> Result<Effects, FaultError> {
        let unselected = Self {
            effects: self.effects,
            ..Self::new()
        };
        if self == unselected {
            Ok(self.effects)
        } else {
            Err(FaultError::new(
                "no selection of requests, because it is this one",
            ))
        }
    }

    fn set(self, name: &str, value: Option<&str>) -> Result<Self, FaultError> {
        let Some(value) = value else {
            return match name {
                "unknown-enums" => Ok(self.unknown_enums()),
                "unknown-fields" => Ok(self.unknown_fields()),
                "duplicate-key" => Ok(self.duplicate_key()),
                "reset" => Ok(self.reset()),
                _ => Err(FaultError::new(SETTINGS)),
            };
        };
        let count = || number::<u32>(name, value);
        let time = || duration(name, value);
        Ok(match (name, value) {
            ("path", _) => self.path(value),
            ("after", _) => self.after(count()?),
            ("times", _) => self.times(count()?),
            ("every", _) if count()? > 0 => self.every(count()?),
            ("every", _) => return Err(FaultError::of(name, "a number above 0")),
            ("probability", _) => match value.parse() {
                Ok(probability @ 0.0..=1.0) => self.probability(probability),
                _ => return Err(FaultError::of(name, "a number from 0 to 1")),
            },
            ("limit", _) => {
                let (requests, period) = value
                    .split_once('/')
                    .ok_or_else(|| FaultError::of(name, "requests/period, such as 100/60s,"))?;
                self.limit(number(name, requests)?, duration(name, period)?)
            }
            ("latency", _) => self.latency(time()?),
            ("clock", _) => match value.strip_prefix('-') {
                Some(behind) => self.clock_behind(duration(name, behind)?),
                None => self.clock_ahead(duration(name, value.strip_prefix('+').unwrap_or(value))?),
            },
            ("token", "expired") => self.expired_token(),
            ("token", "revoked") => self.revoked_token(),
            ("token", _) => return Err(FaultError::of(name, "expired or revoked")),
            ("status", _) => match value
                .parse()
                .ok()
                .filter(|code| effects::status(*code).is_some())
            {
                Some(code) => self.status(code),
                None => return Err(FaultError::of(name, "a number from 200 to 599")),
            },
            ("retry-after", _) => self.retry_after(time()?),
            ("retry-after-date", _) => self.retry_after_date(time()?),
            ("body", "html") => self.html(),
            ("body", "empty") => self.empty_body(),
            ("body", _) => return Err(FaultError::of(name, "html or empty")),
            ("page", "empty") => self.empty_page(),
            ("page", "repeat") => self.repeated_page_token(),
            ("page", _) => return Err(FaultError::of(name, "empty or repeat")),
            ("cut", _) => self.cut(number(name, value)?),
            ("hang", "response") => self.hang(),
            ("hang", "body") => self.hang_in_body(),
            ("hang", _) => return Err(FaultError::of(name, "response or body")),
            ("unknown-enums" | "unknown-fields" | "duplicate-key" | "reset", _) => {
                return Err(FaultError::of(name, "no value"));
            }
            _ => return Err(FaultError::new(SETTINGS)),
        })
    }
}

fn number<T: FromStr>(name: &str, text: &str) -> Result<T, FaultError> {
    text.parse()
        .map_err(|_| FaultError::of(name, "a whole number that is not too large"))
}

/// A whole number of seconds, or with the suffix `ms`, `s`, `m` or `h`.
fn duration(name: &str, text: &str) -> Result<Duration, FaultError> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let factor = match &text[digits.len()..] {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let millis = digits.parse::<u64>().ok().filter(|_| factor > 0);
    millis
        .and_then(|millis| millis.checked_mul(factor))
        .map(Duration::from_millis)
        .ok_or_else(|| FaultError::of(name, "a time such as 250ms, 7s or 5m"))
}

/// A duration as [`duration`] reads it.
struct Time(Duration);

impl Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            millis if millis.is_multiple_of(1000) => write!(f, "{}s", millis / 1000),
            millis => write!(f, "{millis}ms"),
        }
    }
}

/// As text. A sub-millisecond part of a time is lost, and a pattern with a comma has no text.
impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = &self.operation {
            write!(f, "{operation}: ")?;
        }
        if let Some(path) = &self.path {
            write!(f, "path={path}, ")?;
        }
        if self.after > 0 {
            write!(f, "after={}, ", self.after)?;
        }
        if let Some(times) = self.times {
            write!(f, "times={times}, ")?;
        }
        if let Some(every) = self.every {
            write!(f, "every={every}, ")?;
        }
        if let Some(probability) = self.probability {
            write!(f, "probability={probability}, ")?;
        }
        match self.limit {
            Some((requests, period)) if self.effects == Effects::default() => {
                write!(f, "limit={requests}/{}", Time(period))
            }
            Some((requests, period)) => {
                write!(f, "limit={requests}/{}, {}", Time(period), self.effects)
            }
            None => self.effects.fmt(f),
        }
    }
}

/// The settings of the effects.
impl Display for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut write = |setting: fmt::Arguments<'_>| {
            f.write_str(separator)?;
            separator = ", ";
            f.write_fmt(setting)
        };
        if let Some(latency) = self.latency {
            write(format_args!("latency={}", Time(latency)))?;
        }
        if let Some((ahead, by)) = self.clock {
            let sign = if ahead { "" } else { "-" };
            write(format_args!("clock={sign}{}", Time(by)))?;
        }
        match self.token {
            Some(Token::Expired) => write(format_args!("token=expired"))?,
            Some(Token::Revoked) => write(format_args!("token=revoked"))?,
            None => {}
        }
        if let Some(status) = self.status {
            write(format_args!("status={}", status.as_u16()))?;
        }
        match self.retry_after {
            Some(RetryAfter::Seconds(time)) => write(format_args!("retry-after={}", Time(time)))?,
            Some(RetryAfter::Date(time)) => {
                write(format_args!("retry-after-date={}", Time(time)))?;
            }
            None => {}
        }
        match self.content {
            Some(Content::Html) => write(format_args!("body=html"))?,
            Some(Content::Empty) => write(format_args!("body=empty"))?,
            None => {}
        }
        match self.page {
            Some(Page::Empty) => write(format_args!("page=empty"))?,
            Some(Page::Repeat) => write(format_args!("page=repeat"))?,
            None => {}
        }
        for (flag, name) in [
            (self.unknown_enums, "unknown-enums"),
            (self.unknown_fields, "unknown-fields"),
            (self.duplicate_key, "duplicate-key"),
        ] {
            if flag {
                write(format_args!("{name}"))?;
            }
        }
        if let Some(cut) = self.cut {
            write(format_args!("cut={cut}"))?;
        }
        match self.end {
            Some(End::Hang) => write(format_args!("hang=response")),
            Some(End::HangInBody) => write(format_args!("hang=body")),
            Some(End::Reset) => write(format_args!("reset")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Fault;

    #[test]
    fn effects_are_written_as_they_are_read() {
        for text in [
            "latency=250ms, clock=-300s, token=expired",
            "status=503, retry-after=7s, body=html",
            "clock=60s, token=revoked, retry-after-date=1500ms, body=empty, page=repeat",
            "page=empty, unknown-enums, unknown-fields, duplicate-key, cut=0, hang=body",
            "cut=10, reset",
            "hang=response",
        ] {
            let effects = text.parse::<Fault>().unwrap().into_effects().unwrap();
            assert_eq!(effects.to_string(), text);
        }
    }

    #[test]
    fn faults_are_written_as_they_are_read() {
        for text in [
            "apps.*: path=/a/*, after=1, times=2, every=3, probability=0.25, limit=9/120s, status=503",
            "limit=100/60s",
            "reset",
        ] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn selections_are_read() {
        let text =
            "apps.* : path=/api/*:do,after=1, times=2,every=3,probability=0.5,limit=9/2m,reset";
        let expected = Fault::new()
            .operation("apps.*")
            .path("/api/*:do")
            .after(1)
            .times(2)
            .every(3)
            .probability(0.5)
            .limit(9, std::time::Duration::from_secs(120))
            .reset();
        assert_eq!(text.parse(), Ok(expected.clone()));
        assert!(expected.into_effects().is_err());
        // The colon of a path is not that of an operation.
        let path: Fault = "path=/a:b, reset".parse().unwrap();
        assert_eq!(path, Fault::new().path("/a:b").reset());
    }

    #[test]
    fn errors_name_the_setting() {
        for (text, expected) in [
            ("", "one of the settings path, "),
            ("apps.list:", "one of the settings path, "),
            ("colour=red", "one of the settings path, "),
            ("status", "one of the settings path, "),
            ("reset=now", "no value for reset"),
            ("status=99", "a number from 200 to 599 for status"),
            ("status=600", "a number from 200 to 599 for status"),
            ("latency=1d", "a time such as 250ms, 7s or 5m for latency"),
            ("latency=-1s", "a time such as 250ms, 7s or 5m for latency"),
            ("clock=--1s", "a time such as 250ms, 7s or 5m for clock"),
            (
                "times=-1,reset",
                "a whole number that is not too large for times",
            ),
            ("every=0,reset", "a number above 0 for every"),
            (
                "probability=2,reset",
                "a number from 0 to 1 for probability",
            ),
            (
                "probability=NaN,reset",
                "a number from 0 to 1 for probability",
            ),
            ("limit=5", "requests/period, such as 100/60s, for limit"),
            ("token=old", "expired or revoked for token"),
            ("body=json", "html or empty for body"),
            ("page=full", "empty or repeat for page"),
            ("hang=up", "response or body for hang"),
            ("apps.*: times=3", "at least one effect, such as status=503"),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
