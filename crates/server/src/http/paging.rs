//! Lists that are read in pages: `limit` and `after` in the query, and `next` in the answer.
//!
//! A cursor holds the key of the last object of a page, not a number of objects to skip. So a page costs the same wherever it
//! begins, and no object comes twice or is left out because another one was deleted. Only this module knows the form of a cursor.

use crate::store::model::ListPage;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt::Display;
use std::num::NonZeroU32;
use std::str::FromStr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, schema::SchemaType};
use utoipa::{IntoParams, PartialSchema, ToSchema};

/// The default and the largest number of objects in a page.
const USUAL: u32 = 100;
const MOST: u32 = 1_000;

/// The first byte of a cursor. Another form of cursor gets another number.
const FORM: u8 = 1;
/// The bytes of a cursor that tell its list from others.
const TAG: usize = 6;

/// The query of a list without filters. A list with filters has these two fields in its own type.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// The largest number of objects in the answer.
    #[serde(default)]
    #[param(inline, required = false)]
    pub(crate) limit: Limit,
    /// The `next` of the page before.
    #[param(inline)]
    pub(crate) after: Option<Cursor>,
}

/// The largest number of objects in a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limit(NonZeroU32);

impl Limit {
    pub(crate) fn get(self) -> u32 {
        self.0.get()
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(NonZeroU32::MIN.saturating_add(USUAL - 1))
    }
}

/// Values of a query are text.
impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.parse().ok().filter(|number: &NonZeroU32| number.get() <= MOST);
        let wrong = || de::Error::custom(format!("limit: expected a number from 1 to {MOST}"));
        number.map(Self).ok_or_else(wrong)
    }
}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Integer))
            .minimum(Some(1))
            .maximum(Some(MOST))
            .default(Some(USUAL.into()));
        number.into()
    }
}

impl ToSchema for Limit {}

/// A position in a list: the `next` of one page, and the `after` of the following one. Clients must not read it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct Cursor(String);

/// A cursor that this list did not make.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("after: expected the `next` of a page of this list")]
pub(crate) struct ForeignCursor;

/// The identity of a list. Each list refuses the cursors of others.
pub(crate) struct List([u8; TAG]);

impl List {
    /// The list with this name.
    pub(crate) fn named(name: &str) -> Self {
        let hash = digest(&SHA256, name.as_bytes());
        let mut tag = [0; TAG];
        tag.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
        Self(tag)
    }

    /// The list with this name that belongs to one object, such as the members of an organization.
    pub(crate) fn of(name: &str, owner: impl Display) -> Self {
        Self::named(&format!("{name}/{owner}"))
    }

    /// The key after which the page begins. `None` on the first page.
    ///
    /// # Errors
    /// If the cursor was not made by this list.
    pub(crate) fn key<K: FromStr>(&self, after: Option<&Cursor>) -> Result<Option<K>, ForeignCursor> {
        after.map(|cursor| self.read(cursor).ok_or(ForeignCursor)).transpose()
    }

    fn read<K: FromStr>(&self, cursor: &Cursor) -> Option<K> {
        let bytes = URL_SAFE_NO_PAD.decode(&cursor.0).ok()?;
        let key = bytes.strip_prefix(&[FORM])?.strip_prefix(&self.0)?;
        std::str::from_utf8(key).ok()?.parse().ok()
    }

    /// The cursor of the page that begins after `key`.
    pub(crate) fn cursor(&self, key: impl Display) -> Cursor {
        let bytes = [&[FORM], &self.0[..], key.to_string().as_bytes()].concat();
        Cursor(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The objects of a page as answers show them, and its `next`.
    pub(crate) fn shown<T, K: Display, V>(
        &self,
        page: ListPage<T, K>,
        view: impl FnMut(T) -> V,
    ) -> (Vec<V>, Option<Cursor>) {
        let views = page.items.into_iter().map(view).collect();
        (views, page.next.map(|key| self.cursor(key)))
    }
}

/// A page of a list that is short and complete in memory, sorted by `key`.
pub(crate) fn page_of<T, K: Ord>(
    sorted: Vec<T>,
    key: impl Fn(&T) -> K,
    after: Option<&K>,
    limit: Limit,
) -> ListPage<T, K> {
    let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
    let mut items = sorted;
    items.retain(|item| after.is_none_or(|after| key(item) > *after));
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(&key);
    ListPage { items, next }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    #[test]
    fn a_cursor_is_read_by_its_own_list_only() {
        let (users, apps) = (List::named("users"), List::named("apps"));
        let cursor = users.cursor(7);
        assert_eq!(users.key(Some(&cursor)), Ok(Some(7)));
        assert_eq!(users.key::<i64>(None), Ok(None));
        assert_eq!(apps.key::<String>(Some(&cursor)), Err(ForeignCursor));
        let (first, second) = (List::of("members", "first"), List::of("members", "second"));
        assert_eq!(first.key::<i64>(Some(&second.cursor(1))), Err(ForeignCursor));
        assert_eq!(users.key::<i64>(Some(&users.cursor("seven"))), Err(ForeignCursor));
        for junk in ["", "7", "AQ", "\u{e9}", &format!("{}=", cursor.0)] {
            let cursor = Cursor(junk.to_owned());
            assert_eq!(users.key::<i64>(Some(&cursor)), Err(ForeignCursor), "{junk:?}");
        }
    }

    #[test]
    fn a_limit_is_a_number_from_1_to_1000() {
        let read = |text: &str| from_value::<Limit>(json!(text)).map(Limit::get).ok();
        assert_eq!((read("1"), read("1000")), (Some(1), Some(1_000)));
        for wrong in ["0", "1001", "-1", "", "x", "1.5", "99999999999999999999"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(Limit::default().get(), 100);
    }

    #[test]
    fn a_list_in_memory_is_split_by_its_keys() {
        let two = from_value::<Limit>(json!("2")).unwrap();
        let page = |after: Option<i32>| page_of(vec![1, 3, 5, 7], |key| *key, after.as_ref(), two);
        let expected = |items: &[i32], next| ListPage {
            items: items.to_vec(),
            next,
        };
        assert_eq!(page(None), expected(&[1, 3], Some(3)));
        // The object of the cursor itself may be gone.
        assert_eq!(page(Some(2)), expected(&[3, 5], Some(5)));
        assert_eq!(page(Some(3)), expected(&[5, 7], None));
        assert_eq!(page(Some(7)), expected(&[], None));
    }
}
