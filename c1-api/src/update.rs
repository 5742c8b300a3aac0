//! Updates: requests whose update mask names the fields to change.
//!
//! The generated part is in `spec/src/generate/updates.rs`: the constants of the fields, and for each request where its
//! object and its mask are.

use std::fmt;
use std::marker::PhantomData;

use serde_json::value::Serializer;
use serde_json::{Map, Value as Json};

use crate::error::{Error, ErrorKind};
use crate::present::short_name;
use crate::wire::{Message, clear_field, deserialize_message, encode_message};

/// A map of labels that the service does not replace but merges: it keeps keys that an update does not have, and deletes
/// those whose value is empty.
const MERGED: &str = "annotations";
/// What the keys begin with that the service sets in it.
const RESERVED: &str = "c1/";

/// A request that changes fields of an object, those that its update mask names.
///
/// The server sets each field of the mask to its value in the request, and clears those without one. It leaves all other
/// fields as they are. The methods here write the mask, so that it fits what is sent:
///
/// - [`changes`](Self::changes), from an object that was read: what differs;
/// - [`setting`](Self::setting), without reading: what is set;
/// - [`clearing`](Self::clearing) and [`clear`](Self::clear): a field that is to be cleared.
///
/// The mask has whole fields: of a message within the object, all fields are sent. So two programs that change the same
/// message at once may overwrite each other.
///
/// ```no_run
/// # #[cfg(feature = "apps")]
/// # async fn update(client: c1_api::Client) -> Result<(), c1_api::Error> {
/// use c1_api::types::{App, UpdateAppRequest};
/// use c1_api::{Update as _, present};
///
/// // What differs from what was read.
/// let response = client.apps().get("2B").await?;
/// let before = present!(response.app)?;
/// let mut after = before.clone().display_name("Payroll");
/// after.description = None;
/// if let Some(request) = UpdateAppRequest::changes(before, &after)? {
///     client.apps().update("2B", request).await?;
/// }
///
/// // What is set, be it false or empty, and what is to be cleared.
/// let app = App::new().display_name("Payroll").is_manually_managed(false);
/// let request = UpdateAppRequest::setting(app)?.clear(App::DESCRIPTION);
/// client.apps().update("2B", request).await?;
/// # Ok(())
/// # }
/// ```
///
/// A field of another message does not compile:
///
/// ```compile_fail,E0308
/// # use c1_api::types::{AppEntitlement, UpdateAppRequest};
/// # use c1_api::Update as _;
/// UpdateAppRequest::clearing(AppEntitlement::DESCRIPTION);
/// ```
pub trait Update: Message + Sized {
    /// What is updated. Where the request has the fields itself, it is the request.
    type Object: Updatable;

    /// The object in the request, made if it is absent.
    #[doc(hidden)]
    fn object(&mut self) -> &mut Self::Object;

    /// The mask in the request, made if it is absent.
    #[doc(hidden)]
    fn mask(&mut self) -> &mut String;

    /// The update that makes `after` of `before`: it sends the fields that differ, and clears those that `after` no longer
    /// has. `None` if nothing differs; such a request must not be sent, because a server may take an empty mask for all
    /// fields.
    ///
    /// C1 merges the map `annotations`, so that keys that are no longer there are sent with an empty value, which deletes
    /// them. Its own keys, which begin with `c1/`, are not sent unless their value differs, because it refuses them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`] if a field differs that the server sets, such as `id`, or that the description lacks;
    /// or if a value cannot be written (a timestamp in the year 10000).
    fn changes(before: &Self::Object, after: &Self::Object) -> Result<Option<Self>, Error> {
        let (before, mut after) = (json(before)?, json(after)?);
        let changed = difference::<Self::Object>(&before, &after)?;
        if changed.is_empty() {
            return Ok(None);
        }
        merge(&before, &mut after);
        // Required fields are always written. Outside of the mask they change nothing, but must be valid.
        let required = json(&Self::Object::empty())?;
        after.retain(|name, _| changed.contains(&name.as_str()) || required.contains_key(name));
        let mut request = Self::empty();
        *request.object() =
            deserialize_message(Json::Object(after)).map_err(refused::<Self::Object>)?;
        *request.mask() = changed.join(",");
        Ok(Some(request))
    }

    /// The update that sends the fields which are set in `object`: `Some`, and lists and maps that are not empty. `Some(false)`
    /// and `Some(String::new())` are set too. Of a required field, which has no `None`, any value but zero; for zero use
    /// [`clear`](Self::clear).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`] if nothing is set; if a field is set that the server sets, such as `id`, or that the
    /// description lacks; or if a value cannot be written.
    fn setting(object: Self::Object) -> Result<Self, Error> {
        let set = difference::<Self::Object>(&json(&Self::Object::empty())?, &json(&object)?)?;
        if set.is_empty() {
            let name = short_name::<Self::Object>();
            let message = format!("{name}: expected a field that is set");
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        }
        let mut request = Self::empty();
        *request.object() = object;
        *request.mask() = set.join(",");
        Ok(request)
    }

    /// The update that clears a field.
    #[must_use]
    fn clearing(field: MaskField<Self::Object>) -> Self {
        Self::empty().clear(field)
    }

    /// The same update, which clears one more field: it is in the mask and has no value, whatever it was set to.
    ///
    /// Lists and maps become empty. The exception is the map `annotations`, which C1 merges: set its keys to empty values.
    #[must_use]
    fn clear(mut self, field: MaskField<Self::Object>) -> Self {
        clear_field(self.object(), field.0);
        let mask = self.mask();
        if !mask.split(',').any(|path| path == field.0) {
            if !mask.is_empty() {
                mask.push(',');
            }
            mask.push_str(field.0);
        }
        self
    }
}

/// A message with fields that an [`Update`] can change. Each of them has a constant, such as `App::DISPLAY_NAME`.
pub trait Updatable: Message + Sized {
    /// The fields that can be updated, by their names in an update mask: all but those that the server sets.
    const FIELDS: &'static [&'static str];
}

/// A field of the message `M` in an update mask: `App::DISPLAY_NAME` is `displayName`.
///
/// ```
/// # #[cfg(feature = "apps")] {
/// use c1_api::types::{App, UpdateAppRequest};
///
/// // A mask by hand, where the methods of `Update` do not fit.
/// let request = UpdateAppRequest::new().update_mask(App::DISPLAY_NAME);
/// assert_eq!(request.update_mask.as_deref(), Some("displayName"));
/// # }
/// ```
pub struct MaskField<M>(&'static str, PhantomData<fn() -> M>);

impl<M> MaskField<M> {
    #[allow(dead_code, reason = "a build without features has no messages")]
    pub(crate) const fn new(name: &'static str) -> Self {
        Self(name, PhantomData)
    }

    /// The name in an update mask.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl<M> Clone for MaskField<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for MaskField<M> {}

impl<M> PartialEq for MaskField<M> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<M> Eq for MaskField<M> {}

impl<M> fmt::Debug for MaskField<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaskField({:?})", self.0)
    }
}

impl<M> fmt::Display for MaskField<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl<M> From<MaskField<M>> for String {
    fn from(field: MaskField<M>) -> Self {
        field.0.to_owned()
    }
}

/// The names of the fields that differ, in the order of the description.
fn difference<M: Updatable>(
    before: &Map<String, Json>,
    after: &Map<String, Json>,
) -> Result<Vec<&'static str>, Error> {
    let differs = |name: &str| before.get(name) != after.get(name);
    let mut others = before.keys().chain(after.keys());
    let fixed = others.find(|name| !M::FIELDS.contains(&name.as_str()) && differs(name));
    if let Some(field) = fixed {
        let name = short_name::<M>();
        let message =
            format!("{name}.{field}: expected no change, because an update cannot set the field");
        return Err(Error::new(ErrorKind::InvalidRequest, message));
    }
    let fields = M::FIELDS.iter().copied();
    Ok(fields.filter(|name| differs(name)).collect())
}

/// Has the service delete the keys of a merged map that are no longer there, and leaves out the service's own, which it
/// refuses.
fn merge(before: &Map<String, Json>, after: &mut Map<String, Json>) {
    let Some(Json::Object(before)) = before.get(MERGED) else {
        return;
    };
    let after = after
        .entry(MERGED)
        .or_insert_with(|| Json::Object(Map::new()));
    let Json::Object(after) = after else { return };
    for (key, value) in before {
        if !key.starts_with(RESERVED) {
            after.entry(key).or_insert_with(|| "".into());
        } else if after.get(key) == Some(value) {
            after.remove(key);
        }
    }
}

/// The fields of a message that are present.
fn json<M: Message>(message: &M) -> Result<Map<String, Json>, Error> {
    match encode_message(message, Serializer).map_err(refused::<M>)? {
        Json::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

fn refused<M>(source: serde_json::Error) -> Error {
    let name = short_name::<M>();
    let message = format!("{name}: expected values that protobuf JSON can express: {source}");
    Error::new(ErrorKind::InvalidRequest, message).with_source(source)
}
