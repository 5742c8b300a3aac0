//! The body of a response that is not JSON.

use std::error::Error as _;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use reqwest::{Response, StatusCode};

use crate::error::{Error, ErrorKind};

/// The largest body that [`Body::bytes`] reads, where the transport does not say otherwise: 64 MiB.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The body of a response that is not JSON: a file, a table, events. Nothing of it is read before the caller does so, all at
/// once by [`bytes`](Self::bytes), or part by part by [`chunk`](Self::chunk) or as a `Stream`.
///
/// The call is over once there is a `Body`: what breaks off later is not retried. The time limit of the call
/// ([`CallOptions::timeout`](crate::CallOptions::timeout)) includes reading the body.
///
/// ```
/// # async fn save(mut body: c1_api::Body, file: &mut impl std::io::Write) -> Result<(), Box<dyn std::error::Error>> {
/// while let Some(chunk) = body.chunk().await? {
///     file.write_all(&chunk)?;
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing of the body is read until it is asked for"]
pub struct Body {
    parts: Pin<Box<dyn Stream<Item = Result<Vec<u8>, reqwest::Error>> + Send + Sync>>,
    status: StatusCode,
    max_bytes: usize,
}

/// The largest body, in decompressed bytes, that [`Body::bytes`] reads. A transport adds it to the extensions of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxBytes(pub usize);

impl Body {
    #[allow(dead_code, reason = "the description of a build may not need it")]
    pub(crate) fn new(response: Response) -> Self {
        let max_bytes = response.extensions().get::<MaxBytes>();
        Self {
            max_bytes: max_bytes.map_or(MAX_BYTES, |limit| limit.0),
            status: response.status(),
            parts: Box::pin(Parts(Box::pin(response.bytes_stream()))),
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] for more bytes than the client allows (`max_response_bytes` of c1-api-ext, otherwise 64 MiB);
    /// see [`chunk`](Self::chunk) for others.
    pub async fn bytes(mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if chunk.len() > self.max_bytes - bytes.len() {
                let message = format!("the response is larger than {} bytes", self.max_bytes);
                return Err(Error::new(ErrorKind::TooLarge, message).with_status(self.status));
            }
            bytes.extend(chunk);
        }
        Ok(bytes)
    }

    /// The next part of the body, as large as it arrives; `None` at the end.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] when the time of the call is over; [`ErrorKind::Transport`] when the connection breaks.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let next = std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context));
        next.await.transpose()
    }
}

impl Stream for Body {
    type Item = Result<Vec<u8>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let status = self.status;
        let next = self.parts.as_mut().poll_next(context);
        next.map_err(|error| read_error(error).with_status(status))
    }
}

/// A stream of bytes as one of vectors, which need no other crate to be named.
struct Parts<S>(Pin<Box<S>>);

impl<B: Into<Vec<u8>>, S: Stream<Item = Result<B, reqwest::Error>>> Stream for Parts<S> {
    type Item = Result<Vec<u8>, reqwest::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context).map_ok(Into::into)
    }
}

/// The error of a transport that watches over the body, or that of the connection.
fn read_error(error: reqwest::Error) -> Error {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(error) = inner.downcast_ref::<Error>() {
            return error.clone();
        }
        source = inner.source();
    }
    Error::from_reqwest(error)
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &'static str, limit: usize) -> Body {
        let mut response = http::Response::new(text);
        response.extensions_mut().insert(MaxBytes(limit));
        Body::new(response.into())
    }

    #[tokio::test]
    async fn it_is_read_as_a_whole_up_to_a_limit() {
        assert_eq!(body("a,b", 3).bytes().await.unwrap(), b"a,b");
        assert_eq!(body("", 0).bytes().await.unwrap(), b"");
        let error = body("a,b", 2).bytes().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert_eq!(error.status(), Some(StatusCode::OK));
        assert_eq!(error.message(), "the response is larger than 2 bytes");
    }

    #[tokio::test]
    async fn parts_have_no_limit() {
        let mut body = body("a,b", 0);
        assert_eq!(body.chunk().await.unwrap().unwrap(), b"a,b");
        assert_eq!(body.chunk().await.unwrap(), None);
        assert_eq!(format!("{body:?}"), "Body { max_bytes: 0, .. }");
    }

    #[tokio::test]
    async fn an_error_of_the_transport_arrives_as_it_is() {
        struct Broken;
        impl Stream for Broken {
            type Item = Result<&'static str, Error>;

            fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                Poll::Ready(Some(Err(Error::new(ErrorKind::Timeout, "too late"))))
            }
        }
        let response = http::Response::new(reqwest::Body::wrap_stream(Broken));
        let error = Body::new(response.into()).bytes().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Timeout, "too late")
        );
    }
}
