//! Decoding the body of a response, a large one on a thread of its own.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;

use crate::error::{Error, ErrorKind};
use crate::wire::{self, Field};

/// Bodies from this size on, in bytes, are decoded on a thread for blocking work: decoding one takes about a millisecond.
const LARGE: usize = 256 * 1024;

/// Decodes the body of a response, within the memory that its size allows.
///
/// # Errors
/// [`ErrorKind::Decode`] when the body does not match the description; [`ErrorKind::TooLarge`] when it would take too much
/// memory.
pub(crate) async fn decode<T: Field + Send + 'static>(
    body: impl AsRef<[u8]> + Send + 'static,
) -> Result<T, Error> {
    if body.as_ref().len() < LARGE {
        return wire::from_slice(body.as_ref());
    }
    // The outcome takes this way, so that the task is of one type and tokio's code for it is compiled once.
    let outcome = Arc::new(Mutex::new(None));
    let decoded = outcome.clone();
    off_runtime(Box::new(move || {
        let value = wire::from_slice(body.as_ref());
        *decoded.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }))
    .await;
    let outcome = outcome
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    // tokio's own error is dropped: it quotes the panic, which may quote the response.
    outcome.unwrap_or_else(|| {
        let message = "decoding the response panicked, or the runtime ended meanwhile";
        Err(Error::new(ErrorKind::Decode, message))
    })
}

/// Does the work where it blocks no other task; in place if there is no tokio runtime.
async fn off_runtime(work: Box<dyn FnOnce() + Send>) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work).await),
        Err(_) => work(),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::thread::{self, ThreadId};

    use serde::ser::Serializer;
    use tokio::runtime::Builder;

    use super::*;
    use crate::wire::{Fault, Input, Value};

    /// The thread on which it was decoded.
    #[derive(Debug, PartialEq)]
    struct Place(Option<ThreadId>);

    /// Cannot be decoded without a panic that quotes the response.
    #[derive(Debug)]
    struct Trap;

    macro_rules! decoded_as {
        ($($type:ty: $absent:expr, $value:expr;)*) => { $(
            impl Value for $type {
                fn null() -> Option<Self> {
                    None
                }

                fn decode(input: &mut dyn Input) -> Result<Option<Self>, Fault> {
                    let json = input.json()?;
                    Ok(Some($value(json)))
                }

                fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_unit()
                }
            }

            impl Field for $type {
                fn absent() -> Self {
                    $absent
                }
            }
        )* };
    }

    decoded_as! {
        Place: Place(None), |_| Place(Some(thread::current().id()));
        Trap: Trap, |json| panic!("cannot take {json}");
    }

    /// A string of so many bytes, with its quotation marks.
    fn body(len: usize) -> Vec<u8> {
        format!("\"canary{}\"", "x".repeat(len - 8)).into_bytes()
    }

    /// The output of a future that waits for nothing.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("waits"),
        }
    }

    #[tokio::test]
    async fn a_large_body_does_not_block_the_runtime() {
        let here = Place(Some(thread::current().id()));
        assert_eq!(decode::<Place>(body(LARGE - 1)).await.unwrap(), here);
        let there = decode::<Place>(body(LARGE)).await.unwrap();
        assert!(there != here && there != Place(None), "{there:?}");
    }

    #[test]
    fn without_a_runtime_it_is_decoded_in_place() {
        let here = Place(Some(thread::current().id()));
        assert_eq!(now(decode::<Place>(body(LARGE))).unwrap(), here);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_that_quotes_nothing() {
        let error = decode::<Trap>(body(LARGE)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.message().contains("panicked"), "{error}");
        let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn the_end_of_the_runtime_is_an_error() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let handle = runtime.handle().clone();
        drop(runtime);
        let _entered = handle.enter();
        let error = now(decode::<Place>(body(LARGE))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.message().contains("the runtime ended"), "{error}");
    }
}
