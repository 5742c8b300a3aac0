//! What is known of each operation, and what all operation builders have in common.

use std::future::IntoFuture;

use progenitor_client::ResponseValue;

use crate::error::Error;
use crate::transport::BoxFuture;

/// One operation of the API, as the description has it. Transports and records tell operations apart by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// Group and name, such as `app_entitlements.create`.
    pub id: &'static str,
    /// The HTTP method in capitals.
    pub method: &'static str,
    /// The path below the base URL, with its parameters in braces: `/api/v1/apps/{id}`.
    pub path: &'static str,
    /// What a repetition does. The method says it, and for those POSTs that only read, our overlay of the description.
    pub safety: Safety,
    /// How settled the vendor says the operation is.
    pub stability: Stability,
    /// Whether the vendor discourages its use.
    pub deprecated: bool,
    /// How the operation hands out long lists, if it does so by pages.
    pub page: Option<Page>,
}

impl Operation {
    /// Whether the request may be sent again when nobody knows if it arrived: twice does no more than once.
    ///
    /// The answers may still differ: of a DELETE that got through, the repetition may find nothing to delete. And what
    /// others wrote in between is overwritten by a PUT that comes again.
    pub const fn is_repeatable(&self) -> bool {
        matches!(self.safety, Safety::Safe | Safety::Idempotent)
    }
}

/// What calling an operation, and calling it again, does to the tenant, in the terms of RFC 9110, section 9.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Safety {
    /// Only reads: GET, and those POSTs of which our overlay says so.
    Safe,
    /// Changes something, but twice does what once does: PUT and DELETE.
    Idempotent,
    /// Twice may do more than once: PATCH, and every other POST.
    Neither,
}

/// How settled an operation is, in the vendor's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stability {
    /// A sketch.
    Draft,
    /// Early; breaks without notice.
    Alpha,
    /// May still change.
    Beta,
    /// Settled.
    Stable,
    /// The description does not say.
    Unmarked,
}

/// Where the items of a page are, and where the token of the next one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The field of the answer that holds the items; mostly `list`. The next token is in `nextPageToken`.
    pub items: &'static str,
    /// Where the request carries size and token.
    pub token: PageToken,
}

/// Where a request carries page size and page token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PageToken {
    /// In the query, as `page_size` and `page_token`.
    Query,
    /// In the body, as `pageSize` and `pageToken`.
    Body,
    /// The description lists no parameter for it.
    Nowhere,
}

/// A call that is ready to be sent; every operation builder is one. `.await` on it gives the body alone.
///
/// Sending does nothing until awaited, and can be awaited from any thread.
pub trait Request: IntoFuture<Output = Result<Self::Response, Error>> + Send {
    /// The message that the server answers with.
    type Response;

    /// The operation that is called.
    const OPERATION: &'static Operation;

    /// Sends the request and gives the answer with its status and headers.
    ///
    /// # Errors
    /// Whatever can go wrong with a call; see [`ErrorKind`](crate::ErrorKind).
    fn send(self) -> BoxFuture<'static, Result<ResponseValue<Self::Response>, Error>>;
}

/// The body of an answer alone.
#[allow(dead_code, reason = "a build without features has no operations")]
pub(crate) async fn body<T>(
    answer: BoxFuture<'static, Result<ResponseValue<T>, Error>>,
) -> Result<T, Error> {
    Ok(answer.await?.into_inner())
}

/// Makes a [`Request`] of each listed builder, which has an inherent `send`, and lets it be awaited for the body alone.
/// The number is the operation's place in [`OPERATIONS`](crate::OPERATIONS).
///
/// The futures are boxed here, once for each operation: proving again and again that the nameless ones can move between
/// threads would take a fifth of the time to compile this crate.
#[allow(unused_macros, reason = "a build without features has no operations")]
macro_rules! requests {
    ($($request:ident => $response:ident, $index:literal;)*) => { $(
        impl $crate::Request for $request {
            type Response = $crate::types::$response;
            const OPERATION: &'static $crate::Operation = &$crate::OPERATIONS[$index];

            fn send(self) -> $crate::BoxFuture<'static, Result<$crate::ResponseValue<Self::Response>, $crate::Error>> {
                // The inherent method of that name.
                Self::send(self)
            }
        }
        impl ::std::future::IntoFuture for $request {
            type Output = Result<$crate::types::$response, $crate::Error>;
            type IntoFuture = $crate::BoxFuture<'static, Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                ::std::boxed::Box::pin($crate::operation::body(Self::send(self)))
            }
        }
    )* };
}
#[allow(unused_imports, reason = "a build without features has no operations")]
pub(crate) use requests;

/// An operation for the tests of the runtime, which do not depend on the operations that were selected.
#[cfg(test)]
pub(crate) static SAMPLE: Operation = Operation {
    id: "apps.get",
    method: "GET",
    path: "/api/v1/apps/{id}",
    safety: Safety::Safe,
    stability: Stability::Unmarked,
    deprecated: false,
    page: None,
};

#[cfg(test)]
mod tests {
    use super::{Operation, SAMPLE, Safety};

    #[test]
    fn what_twice_does_no_more_than_once_is_repeatable() {
        let with = |safety| Operation { safety, ..SAMPLE };
        assert!(with(Safety::Safe).is_repeatable());
        assert!(with(Safety::Idempotent).is_repeatable());
        assert!(!with(Safety::Neither).is_repeatable());
    }
}
