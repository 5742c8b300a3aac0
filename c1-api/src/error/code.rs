//! `google.rpc.Code`.

use std::fmt;

macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident = $number:literal $text:literal,)*) => {
        /// A `google.rpc.Code`: what kind of failure the server reports, more precisely than the HTTP status does.
        /// <https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto>
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$meta])* $name,)*
            /// A number that is not in the list.
            Unrecognized(i32),
        }

        impl From<i32> for Code {
            fn from(number: i32) -> Self {
                match number {
                    $($number => Self::$name,)*
                    other => Self::Unrecognized(other),
                }
            }
        }

        impl From<Code> for i32 {
            fn from(code: Code) -> Self {
                match code {
                    $(Code::$name => $number,)*
                    Code::Unrecognized(number) => number,
                }
            }
        }

        /// The code's name in `google.rpc.Code`, or its number if it has none.
        impl fmt::Display for Code {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($text),)*
                    Self::Unrecognized(number) => number.fmt(f),
                }
            }
        }
    };
}

codes! {
    /// 0: no failure at all.
    Ok = 0 "OK",
    /// 1: the caller gave up.
    Cancelled = 1 "CANCELLED",
    /// 2: the server has no better code; C1 uses it for mistakes in the request, too.
    Unknown = 2 "UNKNOWN",
    /// 3: an argument is wrong whatever the state of the system.
    InvalidArgument = 3 "INVALID_ARGUMENT",
    /// 4: time ran out; the work may have been done.
    DeadlineExceeded = 4 "DEADLINE_EXCEEDED",
    /// 5: no such object.
    NotFound = 5 "NOT_FOUND",
    /// 6: the object to create is there already.
    AlreadyExists = 6 "ALREADY_EXISTS",
    /// 7: the caller may not do this.
    PermissionDenied = 7 "PERMISSION_DENIED",
    /// 8: a quota is used up.
    ResourceExhausted = 8 "RESOURCE_EXHAUSTED",
    /// 9: the system must be in another state first.
    FailedPrecondition = 9 "FAILED_PRECONDITION",
    /// 10: lost against another change at the same time.
    Aborted = 10 "ABORTED",
    /// 11: beyond the valid range.
    OutOfRange = 11 "OUT_OF_RANGE",
    /// 12: the server does not offer this.
    Unimplemented = 12 "UNIMPLEMENTED",
    /// 13: something is broken in the server.
    Internal = 13 "INTERNAL",
    /// 14: the server is not there for the moment.
    Unavailable = 14 "UNAVAILABLE",
    /// 15: data is lost for good.
    DataLoss = 15 "DATA_LOSS",
    /// 16: no valid credentials.
    Unauthenticated = 16 "UNAUTHENTICATED",
}
