//! What all operation builders have in common.

use std::future::IntoFuture;

use progenitor_client::ResponseValue;

use crate::error::Error;
use crate::future::BoxFuture;
use crate::operation::Operation;
use crate::options::CallOptions;

/// A call that is ready to be sent; every operation builder is one. `.await` on it gives the body alone.
///
/// Nothing is sent until it is awaited, which can happen on any thread.
pub trait Request: IntoFuture<Output = Result<Self::Response, Error>> + Send + Sized {
    /// The message that the server responds with.
    type Response;

    /// The operation that is called.
    fn operation(&self) -> &'static Operation;

    /// The options of this call, which begin as those of the client.
    fn options_mut(&mut self) -> &mut CallOptions;

    /// Changes the options of this call; before or after the operation's own setters.
    ///
    /// ```no_run
    /// # #[cfg(feature = "apps")]
    /// # async fn list(client: c1_api::Client) -> Result<(), c1_api::Error> {
    /// use std::time::Duration;
    /// use c1_api::Request as _;
    ///
    /// let request = client.apps().list().page_size(100);
    /// let page = request.configure(|options| options.timeout(Duration::from_secs(10))).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "a call does nothing until it is awaited or sent"]
    fn configure(mut self, change: impl FnOnce(CallOptions) -> CallOptions) -> Self {
        let options = self.options_mut();
        *options = change(std::mem::take(options));
        self
    }

    /// Sends the request and returns the response with its status and headers.
    ///
    /// # Errors
    /// Whatever can go wrong with a call; see [`ErrorKind`](crate::ErrorKind).
    fn send(self) -> BoxFuture<'static, Result<ResponseValue<Self::Response>, Error>>;
}

/// The body of a response alone.
pub(crate) async fn body<T>(
    response: BoxFuture<'static, Result<ResponseValue<T>, Error>>,
) -> Result<T, Error> {
    Ok(response.await?.into_inner())
}

/// Makes a [`Request`] of each listed builder, which has a field `client` and an inherent `send`, and lets it be awaited
/// for the body alone. Behind `=>` is the name of a message, behind a colon any type. The number is the operation's place in [`OPERATIONS`](crate::OPERATIONS).
///
/// The futures are boxed here, once for each operation: proving again and again that the nameless ones can move between
/// threads would take a fifth of the time to compile this crate.
#[allow(unused_macros, reason = "a build without features has no operations")]
macro_rules! requests {
    ($($request:ident => $response:ident, $index:literal;)*) => {
        $crate::request::requests! { $($request: $crate::types::$response, $index;)* }
    };
    ($($request:ident: $response:ty, $index:literal;)*) => { $(
        impl $request {
            /// The operation that is called.
            pub const OPERATION: &'static $crate::Operation = &$crate::OPERATIONS[$index];
        }
        impl $crate::Request for $request {
            type Response = $response;

            fn operation(&self) -> &'static $crate::Operation {
                Self::OPERATION
            }
            fn options_mut(&mut self) -> &mut $crate::CallOptions {
                self.client.options_mut()
            }
            fn send(self) -> $crate::BoxFuture<'static, Result<$crate::ResponseValue<Self::Response>, $crate::Error>> {
                // The inherent method of that name.
                Self::send(self)
            }
        }
        impl ::std::future::IntoFuture for $request {
            type Output = Result<$response, $crate::Error>;
            type IntoFuture = $crate::BoxFuture<'static, Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                ::std::boxed::Box::pin($crate::request::body(Self::send(self)))
            }
        }
    )* };
}
#[allow(unused_imports, reason = "a build without features has no operations")]
pub(crate) use requests;
