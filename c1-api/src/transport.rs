//! How requests are sent.

use std::fmt;
use std::sync::Arc;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Request, Response};
use tokio::runtime::Handle;

use crate::call::Call;
use crate::error::{Error, ErrorKind};
use crate::future::BoxFuture;

/// Sends the requests of a [`Client`](crate::Client): adds credentials, retries, records, or responds by itself in a test.
/// [`Bearer`] is the simplest one.
///
/// `Debug` is required because a client shows its transport; it must not show secrets.
///
/// ```
/// use c1_api::{BoxFuture, Call, Error, Transport};
///
/// /// Prints the operation, then lets another transport send the request.
/// #[derive(Debug)]
/// struct Printing<T>(T);
///
/// impl<T: Transport> Transport for Printing<T> {
///     fn execute<'a>(
///         &'a self,
///         request: reqwest::Request,
///         call: &'a Call,
///     ) -> BoxFuture<'a, Result<reqwest::Response, Error>> {
///         println!("{}", call.operation().id);
///         self.0.execute(request, call)
///     }
/// }
/// ```
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends `request`, which belongs to `call`, and returns the response whatever its status.
    ///
    /// The URL is complete and checked; `Accept`, a body's `Content-Type` and the headers of the call's options are set.
    ///
    /// # Errors
    /// When there is no response. A transport may also turn a response into an error, by [`Error::from_response`].
    fn execute<'a>(
        &'a self,
        request: Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>>;
}

/// A transport that is chosen at run time, or shared.
macro_rules! forward {
    ($($pointer:ident)*) => { $(
        impl<T: Transport + ?Sized> Transport for $pointer<T> {
            fn execute<'a>(
                &'a self,
                request: Request,
                call: &'a Call,
            ) -> BoxFuture<'a, Result<Response, Error>> {
                (**self).execute(request, call)
            }
        }
    )* };
}
forward! { Arc Box }

/// An error outside of a tokio runtime, where sending a request and waiting for a time would panic. The HTTP client and
/// c1-api-ext check it; another [`Transport`] needs to only if it depends on tokio.
///
/// A runtime without I/O or timers passes, because tokio offers no way to ask for them.
///
/// # Errors
/// [`ErrorKind::NoRuntime`].
pub fn require_runtime() -> Result<(), Error> {
    let handle = Handle::try_current().map_err(|error| {
        Error::new(
            ErrorKind::NoRuntime,
            "the call was made outside of a tokio runtime, on which it depends",
        )
        .with_source(error)
    });
    handle.map(drop)
}

/// Sends each request once and as it is: the innermost transport. It fails with [`ErrorKind::NoRuntime`] outside of a tokio
/// runtime, and with [`ErrorKind::Redirect`] if the client has followed a redirect.
impl Transport for reqwest::Client {
    fn execute<'a>(
        &'a self,
        request: Request,
        _: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(async move {
            require_runtime()?;
            // A fragment is not sent, and the URL of the response has none.
            let mut url = request.url().clone();
            url.set_fragment(None);
            let response = self.execute(request).await.map_err(Error::from_reqwest)?;
            if *response.url() != url {
                return Err(Error::new(
                    ErrorKind::Redirect,
                    "the HTTP client followed a redirect, for which credentials may have gone along: build it with \
                     `reqwest::redirect::Policy::none()`",
                ));
            }
            Ok(response)
        })
    }
}

/// A transport that adds one fixed bearer token (RFC 6750) and sends each request once.
#[derive(Clone)]
pub struct Bearer {
    http: reqwest::Client,
    authorization: HeaderValue,
}

impl Bearer {
    /// A transport that sends through `http`, whose timeouts and proxies apply.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`], if `token` is empty or holds anything but visible ASCII characters.
    pub fn new(http: reqwest::Client, token: impl AsRef<str>) -> Result<Self, Error> {
        let token = token.as_ref();
        let unusable = || {
            Error::new(
                ErrorKind::Auth,
                "the token is empty or has characters that a token cannot contain",
            )
        };
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unusable());
        }
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| unusable())?;
        authorization.set_sensitive(true);
        Ok(Self {
            http,
            authorization,
        })
    }
}

impl Transport for Bearer {
    fn execute<'a>(
        &'a self,
        mut request: Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        request
            .headers_mut()
            .insert(AUTHORIZATION, self.authorization.clone());
        Transport::execute(&self.http, request, call)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer")
            .field("token", &format_args!("[redacted]"))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::operation::SAMPLE;
    use crate::options::CallOptions;

    #[test]
    fn outside_of_a_runtime_nothing_is_sent() {
        let http = crate::testing::http();
        let request = http.get("http://127.0.0.1:1/").build().unwrap();
        let call = Call::new(&SAMPLE, CallOptions::new());
        let mut response = Transport::execute(&http, request, &call);
        let Poll::Ready(Err(error)) = response
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("must be refused at once");
        };
        assert_eq!(error.kind(), ErrorKind::NoRuntime);
        assert!(!error.may_have_been_sent());
        assert!(error.message().contains("tokio runtime"), "{error}");
    }

    #[test]
    fn the_bearer_token_stays_secret() {
        let bearer = Bearer::new(crate::testing::http(), "canary").unwrap();
        assert!(bearer.authorization.is_sensitive());
        assert_eq!(format!("{bearer:?}"), "Bearer { token: [redacted], .. }");
        for token in ["", "canary canary", "canary\n", "canaryé"] {
            let error = Bearer::new(crate::testing::http(), token).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Auth);
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }
}
