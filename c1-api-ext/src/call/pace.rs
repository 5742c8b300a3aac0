//! The pace at which attempts start: a fixed rate, and what a 429 makes of it.

use std::time::{Duration, SystemTime};

/// After a 429 the rate is this share of the former one,
const DECREASE: f64 = 0.5;
/// grows by this share of it every second,
const INCREASE: f64 = 0.1;
/// and the limit is lifted at this multiple of it, as the 429 may have been an exception.
const FREE: f64 = 2.0;
/// At or below this many attempts per second nothing is slowed down: the delay before the retry is enough.
const SLOW: f64 = 2.0;
/// Concurrent calls get their 429s together; within this time they count once.
const SETTLE: Duration = Duration::from_secs(1);

/// Whether there is time left when `wait` is over.
pub(crate) fn fits(now: SystemTime, wait: Duration, deadline: SystemTime) -> bool {
    now.checked_add(wait).is_some_and(|then| then < deadline)
}

/// When the next attempt may start.
pub(super) struct Pace {
    per_second: Option<f64>,
    /// When the last one started.
    last: Option<SystemTime>,
    pause: Option<Pause>,
    throttle: Option<Throttle>,
    window: Window,
}

#[derive(Clone, Copy)]
struct Pause {
    from: SystemTime,
    length: Duration,
}

struct Throttle {
    rate: f64,
    former: f64,
    since: SystemTime,
}

impl Throttle {
    fn rate(&self, now: SystemTime) -> f64 {
        let seconds = now.duration_since(self.since).unwrap_or_default();
        self.rate + self.former * INCREASE * seconds.as_secs_f64()
    }
}

impl Pace {
    pub(super) fn new(per_second: Option<f64>, now: SystemTime) -> Self {
        Self {
            per_second,
            last: None,
            pause: None,
            throttle: None,
            window: Window {
                began: now,
                count: 0,
                previous: 0,
            },
        }
    }

    /// Zero if an attempt may start now, which then counts as started; else how long to wait.
    pub(super) fn start(&mut self, now: SystemTime) -> Duration {
        let pause = self.pause.map_or(Duration::ZERO, |pause| {
            remaining(pause.from, pause.length, now)
        });
        if !pause.is_zero() {
            return pause;
        }
        self.pause = None;
        self.throttle
            .take_if(|throttle| throttle.rate(now) >= throttle.former * FREE);
        let throttled = self.throttle.as_ref().map(|throttle| throttle.rate(now));
        let rate = match (self.per_second, throttled) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let interval = rate.map_or(Duration::ZERO, |rate| {
            // Too long for a Duration: never.
            Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX)
        });
        let wait = self
            .last
            .map_or(Duration::ZERO, |last| remaining(last, interval, now));
        if wait.is_zero() {
            self.window.count(now);
            self.last = Some(now);
        }
        wait
    }

    /// Slows down after a 429, and pauses for `Retry-After`.
    pub(super) fn throttle(&mut self, now: SystemTime, retry_after: Option<Duration>) {
        let retry_after = retry_after.unwrap_or_default();
        let before = self.pause.map_or(Duration::ZERO, |pause| {
            remaining(pause.from, pause.length, now)
        });
        let length = retry_after.max(before);
        self.pause = Some(Pause { from: now, length });
        // The recovery begins when the pause is over.
        let since = now.checked_add(length).unwrap_or(now);
        if let Some(throttle) = &mut self.throttle {
            let settled = now.duration_since(throttle.since);
            if !settled.is_ok_and(|passed| passed >= SETTLE) {
                throttle.since = throttle.since.max(since);
                return;
            }
        }
        let measured = self.window.rate(now);
        if measured <= SLOW {
            return;
        }
        let former = match &self.throttle {
            Some(throttle) => throttle.rate(now).min(measured),
            None => measured,
        };
        self.throttle = Some(Throttle {
            rate: former.max(SLOW) * DECREASE,
            former,
            since,
        });
    }
}

/// What is left of `length` since `from`; nothing if the clock was set back, or it could take for ever.
fn remaining(from: SystemTime, length: Duration, now: SystemTime) -> Duration {
    let passed = now.duration_since(from);
    passed.map_or(Duration::ZERO, |passed| length.saturating_sub(passed))
}

/// How many attempts started in this second and in the one before.
struct Window {
    began: SystemTime,
    count: u32,
    previous: u32,
}

impl Window {
    const LENGTH: Duration = Duration::from_secs(1);

    fn count(&mut self, now: SystemTime) {
        self.turn(now);
        self.count = self.count.saturating_add(1);
    }

    /// Attempts per second.
    fn rate(&mut self, now: SystemTime) -> f64 {
        self.turn(now);
        f64::from(self.count.max(self.previous))
    }

    fn turn(&mut self, now: SystemTime) {
        match now.duration_since(self.began) {
            Ok(age) if age < Self::LENGTH => {}
            Ok(age) if age < Self::LENGTH * 2 => {
                *self = Self {
                    began: self.began + Self::LENGTH,
                    count: 0,
                    previous: self.count,
                };
            }
            _ => {
                *self = Self {
                    began: now,
                    count: 0,
                    previous: 0,
                };
            }
        }
    }
}
