//! Many calls, some at a time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::Either;
use futures_util::stream::{self, Stream, StreamExt as _};

const CONCURRENT: usize = 8;

/// How to make many calls: how many at once, in which order their results come, and what an error means.
///
/// Inputs are taken when there is room for their call, so a long iterator takes no memory. No task is spawned: dropping the
/// stream or future drops the calls that are under way, which the server may carry out all the same. The client's
/// [`Limits`](crate::Limits) and [`RetryPolicy`](crate::RetryPolicy) apply to each call.
///
/// ```no_run
/// # async fn run(c1: c1_api_ext::C1, ids: Vec<String>) {
/// use c1_api_ext::Bulk;
///
/// let bulk = Bulk::new().concurrent(4).on_done(|done| eprintln!("{} of {:?}", done.finished, done.expected));
/// for item in bulk.all(ids, |id| c1.apps().get(id)).await {
///     match item.result {
///         Ok(response) => println!("{}: {:?}", item.input, response.app),
///         Err(error) => eprintln!("{}: {error}", item.input),
///     }
/// }
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Bulk {
    concurrent: usize,
    in_order: bool,
    stop_on_error: bool,
    on_done: Option<Arc<OnDone>>,
}

type OnDone = dyn Fn(&BulkDone) + Send + Sync;

/// A result, with the input it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkItem<I, T, E> {
    /// The place of the input among all, from 0.
    pub index: usize,
    /// The input.
    pub input: I,
    /// What came of its call.
    pub result: Result<T, E>,
}

/// How far the calls are, after one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkDone {
    /// The number of calls that are finished, the failed ones included.
    pub finished: usize,
    /// How many of them failed.
    pub failed: usize,
    /// The number of inputs, if their iterator tells it.
    pub expected: Option<usize>,
}

impl Bulk {
    /// 8 calls at once, with results as they come, through to the last input.
    pub fn new() -> Self {
        Self {
            concurrent: CONCURRENT,
            in_order: false,
            stop_on_error: false,
            on_done: None,
        }
    }

    /// How many calls run at once; 0 counts as 1.
    pub fn concurrent(mut self, calls: usize) -> Self {
        self.concurrent = calls.max(1);
        self
    }

    /// Gives results in the order of the inputs. A slow call then holds back those behind it, and after
    /// [`concurrent`](Self::concurrent) of them no other call begins.
    pub fn in_order(mut self) -> Self {
        self.in_order = true;
        self
    }

    /// Begins no other call after an error. Those under way are finished, and their results given: nothing is left half
    /// known. Inputs whose call did not begin are not taken from the iterator.
    pub fn stop_on_error(mut self) -> Self {
        self.stop_on_error = true;
        self
    }

    /// Calls `callback` after each call that is finished.
    pub fn on_done(mut self, callback: impl Fn(&BulkDone) + Send + Sync + 'static) -> Self {
        self.on_done = Some(Arc::new(callback));
        self
    }

    /// The results as a stream. `call` makes the call for an input: any operation, or a future of the caller's. Calls make
    /// progress only while the stream is polled.
    pub fn stream<I, T, E, N, C, F>(
        &self,
        inputs: N,
        mut call: C,
    ) -> impl Stream<Item = BulkItem<I, T, E>> + use<I, T, E, N, C, F>
    where
        N: IntoIterator<Item = I>,
        C: FnMut(&I) -> F,
        F: IntoFuture<Output = Result<T, E>>,
    {
        let mut inputs = inputs.into_iter();
        let shared = Arc::new(Shared::new(inputs.size_hint(), self.on_done.clone()));
        let (stop_on_error, state) = (self.stop_on_error, Arc::clone(&shared));
        // Not `take_while`, which would take one input too many.
        let inputs = std::iter::from_fn(move || {
            let is_over = stop_on_error && state.failed.load(Ordering::Relaxed) > 0;
            if is_over { None } else { inputs.next() }
        });
        let calls = stream::iter(inputs.enumerate()).map(move |(index, input)| {
            let (future, shared) = (call(&input).into_future(), Arc::clone(&shared));
            async move {
                let result = future.await;
                shared.finish(result.is_err());
                BulkItem {
                    index,
                    input,
                    result,
                }
            }
        });
        if self.in_order {
            Either::Left(calls.buffered(self.concurrent))
        } else {
            Either::Right(calls.buffer_unordered(self.concurrent))
        }
    }

    /// All results of [`stream`](Self::stream).
    pub async fn all<I, T, E, F>(
        &self,
        inputs: impl IntoIterator<Item = I>,
        call: impl FnMut(&I) -> F,
    ) -> Vec<BulkItem<I, T, E>>
    where
        F: IntoFuture<Output = Result<T, E>>,
    {
        self.stream(inputs, call).collect().await
    }
}

/// What the calls of one stream share.
struct Shared {
    finished: AtomicUsize,
    failed: AtomicUsize,
    expected: Option<usize>,
    on_done: Option<Arc<OnDone>>,
}

impl Shared {
    fn new((least, most): (usize, Option<usize>), on_done: Option<Arc<OnDone>>) -> Self {
        Self {
            finished: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            expected: most.filter(|most| *most == least),
            on_done,
        }
    }

    fn finish(&self, failed: bool) {
        let count = |counter: &AtomicUsize, more| counter.fetch_add(more, Ordering::Relaxed) + more;
        let done = BulkDone {
            finished: count(&self.finished, 1),
            failed: count(&self.failed, usize::from(failed)),
            expected: self.expected,
        };
        if let Some(on_done) = &self.on_done {
            on_done(&done);
        }
    }
}

impl Default for Bulk {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Bulk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulk")
            .field("concurrent", &self.concurrent)
            .field("in_order", &self.in_order)
            .field("stop_on_error", &self.stop_on_error)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;

    /// Takes so many seconds, of a time that jumps; odd numbers of a hundred and more fail.
    async fn call(seconds: u64) -> Result<u64, &'static str> {
        sleep(Duration::from_secs(seconds)).await;
        if seconds > 100 {
            Err("as scripted")
        } else {
            Ok(seconds)
        }
    }

    fn inputs(items: &[BulkItem<u64, u64, &'static str>]) -> Vec<u64> {
        items.iter().map(|item| item.input).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn results_come_with_their_input_as_they_are_there_or_in_order() {
        let began = Instant::now();
        let bulk = Bulk::new().concurrent(2);
        let items = bulk.all([5, 1, 2, 1], |seconds| call(*seconds)).await;
        assert_eq!(inputs(&items), [1, 2, 1, 5]);
        assert_eq!(items[3].index, 0);
        assert_eq!(began.elapsed().as_secs(), 5);
        let items = bulk
            .in_order()
            .all([5, 1, 2, 1], |seconds| call(*seconds))
            .await;
        assert_eq!(inputs(&items), [5, 1, 2, 1]);
        assert!(items.iter().all(|item| item.result == Ok(item.input)));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_run_at_once_than_allowed() {
        for (bulk, most) in [
            (Bulk::new(), 8),
            (Bulk::new().concurrent(0), 1),
            (Bulk::new().in_order(), 8),
        ] {
            let running = Mutex::new((0, 0));
            let bulk = bulk.all(0..50_u64, |number| {
                let number = *number;
                let running = &running;
                async move {
                    {
                        let mut running = running.lock().expect("no panic");
                        running.0 += 1;
                        running.1 = running.1.max(running.0);
                    }
                    let result = call(number % 7 + 1).await;
                    running.lock().expect("no panic").0 -= 1;
                    result
                }
            });
            let items = bulk.await;
            let seen: BTreeSet<_> = items.iter().map(|item| (item.index, item.input)).collect();
            assert_eq!(
                seen,
                (0..50).map(|number| (number, number as u64)).collect()
            );
            assert_eq!(*running.lock().expect("no panic"), (0, most));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn errors_are_collected_or_end_it_with_what_is_under_way() {
        let bulk = Bulk::new().concurrent(2);
        let items = bulk.all([1, 101, 1, 1], |seconds| call(*seconds)).await;
        assert_eq!(inputs(&items), [1, 1, 1, 101]);
        assert_eq!(items[3].result, Err("as scripted"));

        let stop = bulk.stop_on_error();
        let mut left = [101, 103, 1, 2].into_iter();
        let items = stop.all(left.by_ref(), |seconds| call(*seconds)).await;
        assert_eq!(inputs(&items), [101, 103], "the second was under way");
        assert_eq!(left.collect::<Vec<_>>(), [1, 2], "none was lost");
        let items = stop
            .in_order()
            .all([1, 101, 1, 200, 1, 1], |seconds| call(*seconds))
            .await;
        assert_eq!(inputs(&items), [1, 101, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn progress_is_told_after_each() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let bulk = Bulk::new().on_done(move |done| log.lock().expect("no panic").push(*done));
        bulk.all([1, 102, 3], |seconds| call(*seconds)).await;
        let done = |finished, failed, expected| BulkDone {
            finished,
            failed,
            expected,
        };
        let expected =
            [(1, 0), (2, 0), (3, 1)].map(|(finished, failed)| done(finished, failed, Some(3)));
        assert_eq!(
            std::mem::take(&mut *seen.lock().expect("no panic")),
            expected
        );
        bulk.all((0..3).filter(|number| *number == 1), |seconds| {
            call(*seconds)
        })
        .await;
        assert_eq!(*seen.lock().expect("no panic"), [done(1, 0, None)]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_dropped_runs_no_further() {
        let finished = Arc::new(Mutex::new(0));
        let mut stream = Bulk::new().concurrent(3).stream(0.., |number: &u64| {
            let (number, finished) = (*number, Arc::clone(&finished));
            async move {
                let result = call(number).await;
                *finished.lock().expect("no panic") += 1;
                result
            }
        });
        assert_eq!(stream.next().await.map(|item| item.input), Some(0));
        drop(stream);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(*finished.lock().expect("no panic"), 1);
        assert_eq!(Arc::strong_count(&finished), 1, "nobody holds a call");
    }

    #[test]
    fn it_can_be_spawned_with_calls_of_the_api() {
        fn is_send(_: &impl Send) {}
        let builder = crate::C1::builder()
            .tenant("127.0.0.1:1")
            .access_token("token");
        let c1 = builder.build().expect("a client");
        let ids = vec![String::from("a")];
        is_send(&Bulk::new().all(ids, |id| {
            c1.call(reqwest::Method::GET, format!("/api/v1/apps/{id}"), None)
        }));
    }
}
