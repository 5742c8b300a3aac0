//! The faults of a tenant, and which of them apply to a request.

use std::time::Duration;

use c1_api_spec::model::Operation;
use tokio::time::Instant;

use super::effects::{Effects, RetryAfter};
use super::{Fault, page};
use crate::random::Random;

/// The faults that were injected, oldest first.
#[derive(Default)]
pub(crate) struct Faults(Vec<Active>);

/// A fault, and the requests so far that it selects.
struct Active {
    fault: Fault,
    seen: u32,
    applied: u32,
    /// The start of the period of a limit, and the requests in it.
    period: Option<(Instant, u32)>,
    random: Random,
}

impl Faults {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn inject(&mut self, fault: Fault, seed: u64) {
        let random = Random::named(seed, &format!("fault {}", self.0.len()));
        self.0.push(Active {
            fault,
            seen: 0,
            applied: 0,
            period: None,
            random,
        });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What goes wrong with the next request.
    pub(crate) fn next(&mut self, operation: Option<&Operation>, path: &str) -> Effects {
        let now = Instant::now();
        let faults = self.0.iter_mut();
        let applied = faults.filter_map(|active| active.next(operation, path, now));
        applied.fold(Effects::default(), Effects::and)
    }
}

impl Active {
    fn next(&mut self, operation: Option<&Operation>, path: &str, now: Instant) -> Option<Effects> {
        let fault = &self.fault;
        let id = operation.map(Operation::id).unwrap_or_default();
        let matches = |pattern: &Option<String>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| glob(pattern, text))
        };
        let selected = (operation.is_some() || fault.operation.is_none())
            && matches(&fault.operation, &id)
            && matches(&fault.path, path)
            && (fault.effects.page.is_none() || operation.is_some_and(page::has_token));
        if !selected {
            return None;
        }
        self.seen = self.seen.saturating_add(1);
        let at = self.seen.checked_sub(fault.after)?.checked_sub(1)?;
        if !at.is_multiple_of(fault.every.unwrap_or(1)) {
            return None;
        }
        if let Some(probability) = fault.probability {
            let drawn = u32::try_from(self.random.next() >> 32).unwrap_or(u32::MAX);
            if f64::from(drawn) >= probability * 4_294_967_296.0 {
                return None;
            }
        }
        let mut effects = fault.effects;
        if let Some((requests, length)) = fault.limit {
            let rest = exceeded(&mut self.period, requests, length, now)?;
            let status = hyper::StatusCode::TOO_MANY_REQUESTS;
            effects.status.get_or_insert(status);
            effects.retry_after.get_or_insert(RetryAfter::Seconds(rest));
        }
        if fault.times.is_some_and(|times| self.applied >= times) {
            return None;
        }
        self.applied = self.applied.saturating_add(1);
        Some(effects)
    }
}

/// Counts a request. Returns the rest of the period if it is one too many.
fn exceeded(
    period: &mut Option<(Instant, u32)>,
    requests: u32,
    length: Duration,
    now: Instant,
) -> Option<Duration> {
    let current = period.filter(|(start, _)| now.duration_since(*start) < length);
    let (start, count) = current.unwrap_or((now, 0));
    *period = Some((start, count.saturating_add(1)));
    (count >= requests).then(|| length.saturating_sub(now.duration_since(start)))
}

/// Whether the pattern, in which `*` stands for any text, matches all of the text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<_> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    let rest = parts.into_iter().try_fold(text, |text, part| {
        text.find(part).map(|at| &text[at + part.len()..])
    });
    rest.is_some_and(|rest| rest.ends_with(end))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Fault, Faults, exceeded, glob};
    use crate::testing::operation;

    /// To which of `requests` requests for the list of things the fault applies, counted from 1.
    fn applied(fault: Fault, seed: u64, requests: u32) -> Vec<u32> {
        let mut faults = Faults::default();
        faults.inject(fault.status(503), seed);
        let list = operation("things.list");
        let mut hit = |_: &u32| !faults.next(Some(&list), "/v1/things").is_none();
        (1..=requests).filter(|at| hit(at)).collect()
    }

    #[test]
    fn the_number_of_a_request_selects_it() {
        let fault = Fault::new;
        assert_eq!(applied(fault(), 0, 3), [1, 2, 3]);
        assert_eq!(applied(fault().times(2), 0, 4), [1, 2]);
        assert_eq!(applied(fault().after(2).times(1), 0, 4), [3]);
        assert!(applied(fault().after(u32::MAX), 0, 4).is_empty());
        assert_eq!(applied(fault().every(3), 0, 7), [1, 4, 7]);
        assert_eq!(applied(fault().every(2).after(1).times(2), 0, 9), [2, 4]);
    }

    #[test]
    fn a_probability_selects_the_same_requests_with_the_same_seed() {
        let half = |seed| applied(Fault::new().probability(0.5), seed, 1000);
        assert!((400..600).contains(&half(1).len()));
        assert_eq!(half(1), half(1));
        assert_ne!(half(1), half(2));
        assert!(applied(Fault::new().probability(0.0), 0, 100).is_empty());
        assert_eq!(applied(Fault::new().probability(1.0), 0, 9).len(), 9);
    }

    #[test]
    fn operations_and_paths_select() {
        let hits = |fault: Fault, id: &str, path: &str| {
            let mut faults = Faults::default();
            faults.inject(fault.status(503), 0);
            let operation = (!id.is_empty()).then(|| operation(id));
            !faults.next(operation.as_ref(), path).is_none()
        };
        let things = || Fault::new().operation("things.*");
        assert!(hits(things(), "things.list", "/v1/things"));
        assert!(!hits(
            things().operation("x.*"),
            "things.list",
            "/v1/things"
        ));
        // The token endpoint is no operation.
        assert!(!hits(Fault::new().operation("*"), "", "/auth/v1/token"));
        assert!(hits(Fault::new(), "", "/auth/v1/token"));
        assert!(hits(Fault::new().path("*/token"), "", "/auth/v1/token"));
        assert!(!hits(things().path("/v1/x"), "things.list", "/v1/things"));
        assert!(hits(things().empty_page(), "things.list", "/v1/things"));
        assert!(!hits(things().empty_page(), "things.get", "/v1/things/1"));
    }

    #[test]
    fn a_limit_counts_the_requests_of_each_period() {
        let (began, second) = (Instant::now(), Duration::from_secs(1));
        let mut period = None;
        let mut at = |millis| {
            let now = began + Duration::from_millis(millis);
            exceeded(&mut period, 2, second, now)
        };
        assert_eq!([at(0), at(300)], [None, None]);
        assert_eq!(at(400), Some(Duration::from_millis(600)));
        assert_eq!([at(1000), at(1001)], [None, None]);
        assert!(at(1999).is_some());
    }

    #[test]
    fn patterns_match_the_whole_text() {
        for (pattern, text, expected) in [
            ("apps.list", "apps.list", true),
            ("apps.list", "apps.listing", false),
            ("*", "", true),
            ("apps.*", "apps.list", true),
            ("apps.*", "app.list", false),
            ("*.list", "apps.list", true),
            ("*.list", "apps.list_all", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c2b", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
