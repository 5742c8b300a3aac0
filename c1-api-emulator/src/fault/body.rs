//! The body of a response as it is sent: whole, cut, or without an end.

use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, HeaderValue};

use super::effects::{Effects, End};

/// Ends the connection without the rest of a response.
#[derive(Debug, thiserror::Error)]
#[error("the connection ends here, as the fault says")]
pub(crate) struct Disconnect {
    /// Whether with RST instead of FIN.
    pub(crate) reset: bool,
}

/// A body.
pub(crate) struct Body {
    bytes: Bytes,
    end: Ending,
}

/// What comes after the bytes of a body.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Complete,
    /// The end of the connection, after what was written has been sent.
    Disconnect {
        sent: bool,
        reset: bool,
    },
    Nothing,
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self {
            bytes,
            end: Ending::Complete,
        }
    }
}

impl Effects {
    /// Sends the response as the effects say, or never.
    pub(crate) async fn send(
        &self,
        response: Response<Bytes>,
    ) -> Result<Response<Body>, Disconnect> {
        let end = match (self.end, self.cut) {
            (Some(End::Hang), _) => pending().await,
            (Some(End::Reset), None) => return Err(Disconnect { reset: true }),
            (Some(End::HangInBody), _) => Ending::Nothing,
            (end, Some(_)) => Ending::Disconnect {
                sent: false,
                reset: end.is_some(),
            },
            (None, None) => return Ok(response.map(Body::from)),
        };
        let cut = self.cut.unwrap_or_default();
        let (mut parts, bytes) = response.into_parts();
        // At least one byte is missing, or the response would be complete.
        let whole = bytes.len().max(1);
        parts
            .headers
            .insert(CONTENT_LENGTH, HeaderValue::from(whole));
        let bytes = bytes.slice(..cut.min(whole - 1));
        Ok(Response::from_parts(parts, Body { bytes, end }))
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Disconnect;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Disconnect>>> {
        if !self.bytes.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.bytes)))));
        }
        match &mut self.end {
            Ending::Complete => Poll::Ready(None),
            Ending::Nothing => Poll::Pending,
            Ending::Disconnect { sent: true, reset } => {
                Poll::Ready(Some(Err(Disconnect { reset: *reset })))
            }
            Ending::Disconnect { sent, .. } => {
                // hyper drops what it has not sent when a body fails, and sends it when a body waits.
                *sent = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.end == Ending::Complete && self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.end {
            Ending::Complete => SizeHint::with_exact(self.bytes.len() as u64),
            _ => SizeHint::default(),
        }
    }
}
