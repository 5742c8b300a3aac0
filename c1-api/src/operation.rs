//! What the description says of each operation.

/// One operation of the API, as the description has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// Group and name, such as `app_entitlements.create`.
    pub id: &'static str,
    /// The HTTP method in capitals.
    pub method: &'static str,
    /// The path below the base URL, with its parameters in braces: `/api/v1/apps/{id}`.
    pub path: &'static str,
    /// What repeating the request does: by the method, and by our overlay for those POSTs that only read.
    pub safety: Safety,
    /// How stable the vendor says the operation is.
    pub stability: Stability,
    /// Whether the vendor discourages its use.
    pub deprecated: bool,
    /// How the operation returns long lists, if it is paged.
    pub page: Option<Page>,
}

impl Operation {
    /// Whether the request may be sent again when it is unknown whether the server processed it.
    ///
    /// The responses may still differ: a repeated DELETE may find nothing to delete, and a repeated PUT overwrites what
    /// others wrote in between.
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

/// How stable an operation is, in the vendor's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stability {
    /// A draft.
    Draft,
    /// May break without notice.
    Alpha,
    /// May still change.
    Beta,
    /// Stable.
    Stable,
    /// A level that this crate does not know, as the description has it.
    Other(&'static str),
    /// The description does not say.
    Unmarked,
}

/// Where the items of a page are, and where the token of the next one goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The field of the response that holds the items; mostly `list`. The next token is in `nextPageToken`.
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

/// What [`Client::call`](crate::Client::call) counts as, by its method.
static CUSTOM: [Operation; 6] = [
    custom("GET", Safety::Safe),
    custom("HEAD", Safety::Safe),
    custom("PUT", Safety::Idempotent),
    custom("DELETE", Safety::Idempotent),
    custom("POST", Safety::Neither),
    custom("PATCH", Safety::Neither),
];

const fn custom(method: &'static str, safety: Safety) -> Operation {
    Operation {
        id: "custom",
        method,
        path: "{path}",
        safety,
        stability: Stability::Unmarked,
        deprecated: false,
        page: None,
    }
}

impl Operation {
    /// The operation that a request outside of the description counts as.
    pub(crate) fn custom(method: &str) -> &'static Self {
        static OTHER: Operation = custom("_OTHER", Safety::Neither);
        let known = CUSTOM.iter().find(|operation| operation.method == method);
        known.unwrap_or(&OTHER)
    }
}

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
