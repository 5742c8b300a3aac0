//! Fields that a program needs, and a response need not have.

use crate::error::{Error, ErrorKind};

/// The value of a field of a response, or an error that names the message and the field.
///
/// The API promises no field of a response, so that all are `Option`s. Where a program cannot go on without one,
/// `present!(app.id)?` is a reference to what is in it. The path may lead through messages within the message.
///
/// It is a `Result` of a reference and an [`Error`] of the kind [`ErrorKind::Decode`]. The program's own fields, calls and the
/// like at the beginning of the path stand in parentheses: `present!((page.list[0]).id)?`.
///
/// ```
/// # #[cfg(all(feature = "apps", feature = "app_entitlements"))]
/// # fn main() -> Result<(), c1_api::Error> {
/// use c1_api::present;
/// use c1_api::types::{App, CreateAppEntitlementResponse};
///
/// let app: App = c1_api::serde_json::from_str(r#"{"id": "2B"}"#).unwrap();
/// let id: &str = present!(app.id)?;
/// assert_eq!(id, "2B");
///
/// let created: CreateAppEntitlementResponse =
///     c1_api::serde_json::from_str(r#"{"appEntitlementView": {"appEntitlement": {}}}"#).unwrap();
/// let error = present!(created.app_entitlement_view.app_entitlement.id).unwrap_err();
/// assert_eq!(error.message(), "AppEntitlement.id: expected a value, and the response has none");
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "apps", feature = "app_entitlements")))]
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! present {
    ($object:tt . $first:ident $(. $field:ident)*) => {
        $crate::__present(&$object, $object.$first.as_ref(), ::core::stringify!($first))
            $(.and_then(|object| $crate::__present(object, object.$field.as_ref(), ::core::stringify!($field))))*
    };
}

/// What [`present!`] expands to for each field.
///
/// # Errors
///
/// When there is no value.
#[doc(hidden)]
pub fn __present<'a, M, T>(_: &M, value: Option<&'a T>, field: &str) -> Result<&'a T, Error> {
    value.ok_or_else(|| {
        let (name, field) = (short_name::<M>(), field.trim_start_matches("r#"));
        let message = format!("{name}.{field}: expected a value, and the response has none");
        Error::new(ErrorKind::Decode, message)
    })
}

/// The name of a type without its modules, also where it is behind a reference or in a box.
pub(crate) fn short_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    let name = name.rsplit(':').next().unwrap_or(name);
    name.trim_start_matches('&').trim_end_matches('>')
}
