//! Lists as streams of pages or of items.

use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_core::Stream;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::error::{Error, ErrorKind};
use crate::future::BoxFuture;
use crate::request::{Request, body};
use crate::wire::Any;

/// A [`Request`] for one page of a list, which [`Pages`] and [`Items`] send again for each page.
pub trait Paged: Request<Response: Send + 'static> + Clone + 'static {
    /// What the list holds.
    type Item: Send + 'static;

    /// The token of the page to be asked for; `None` or empty for the first one.
    fn page_token(&self) -> Option<&str>;

    /// Sets the token of the page to be asked for.
    fn set_page_token(&mut self, token: String);

    /// The token of the page after the response; `None` or empty if there is none.
    fn next_page_token(response: &Self::Response) -> Option<&str>;

    /// Takes the related objects out of a page; none where the response has no field `expanded`.
    fn take_expanded(response: &mut Self::Response) -> Vec<Any> {
        let _ = response;
        Vec::new()
    }

    /// The items of a page.
    fn into_items(response: Self::Response) -> Vec<Self::Item>;
}

/// The pages of a list, from the page that the request asks for to the last one: a `Stream` of responses.
///
/// The next page is fetched while the caller works on this one, by a task that ends when the stream is dropped. So at most
/// two pages are in memory. The stream belongs to the tokio runtime in which it is polled first.
///
/// After an error, the stream goes on: polling again asks for the same page again, whose token is
/// [`Error::page_token`]. Only a token that the server has sent before ends the stream, with an error, since the pages would
/// repeat for ever.
#[must_use = "nothing is sent until the stream is polled"]
pub struct Pages<R: Paged> {
    /// The request for the next page.
    request: R,
    /// The tokens of the pages so far.
    seen: HashSet<String>,
    fetch: Option<Fetch<R::Response>>,
    state: State,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Page,
    /// The error about a repeated token.
    Repeats,
    End,
}

/// A page on its way.
enum Fetch<T> {
    Task(JoinHandle<Result<T, Error>>),
    /// Outside of a runtime, where the call says so.
    Inline(BoxFuture<'static, Result<T, Error>>),
}

impl<T> Drop for Fetch<T> {
    fn drop(&mut self) {
        if let Self::Task(task) = self {
            task.abort();
        }
    }
}

impl<T: Send + 'static> Fetch<T> {
    fn new(call: BoxFuture<'static, Result<T, Error>>) -> Self {
        match Handle::try_current() {
            Ok(runtime) => Self::Task(runtime.spawn(call.in_current_span())),
            Err(_) => Self::Inline(call),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<T, Error>> {
        let task = match self {
            Self::Task(task) => task,
            Self::Inline(call) => return call.as_mut().poll(context),
        };
        Poll::Ready(match ready!(Pin::new(task).poll(context)) {
            Ok(result) => result,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::new(
                    ErrorKind::NoRuntime,
                    "the runtime ended before the page arrived",
                )),
            },
        })
    }
}

impl<R: Paged> Pages<R> {
    pub(crate) fn new(request: R) -> Self {
        let first = request.page_token().filter(|token| !token.is_empty());
        Self {
            seen: first.map(str::to_owned).into_iter().collect(),
            request,
            fetch: None,
            state: State::Page,
        }
    }

    /// The token of the next page, with which a request for it begins; empty for the first page, `None` at the end.
    pub fn page_token(&self) -> Option<&str> {
        let token = || self.request.page_token().unwrap_or_default();
        (self.state != State::End).then(token)
    }

    /// The next page; `None` at the end. The same as the method of futures' `TryStreamExt`.
    ///
    /// # Errors
    ///
    /// Those of the call, and one about a repeated token; see [`Pages`].
    pub async fn try_next(&mut self) -> Result<Option<R::Response>, Error> {
        let next = std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context));
        next.await.transpose()
    }

    /// Fetches the next page meanwhile.
    fn prefetch(&mut self) {
        if self.state == State::Page && self.fetch.is_none() {
            self.fetch = Some(Fetch::new(Box::pin(body(self.request.clone().send()))));
        }
    }

    /// The next page, without fetching the one behind it.
    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<R::Response, Error>>> {
        match self.state {
            State::Page => self.prefetch(),
            State::Repeats => {
                self.state = State::End;
                let message =
                    "nextPageToken: found the token of an earlier page, expected a new one";
                let error = Error::new(ErrorKind::UnexpectedContent, message);
                return Poll::Ready(Some(Err(self.at_page(error))));
            }
            State::End => return Poll::Ready(None),
        }
        let Some(fetch) = &mut self.fetch else {
            return Poll::Ready(None);
        };
        let result = ready!(fetch.poll(context));
        self.fetch = None;
        Poll::Ready(Some(match result {
            Ok(page) => {
                self.advance(R::next_page_token(&page));
                Ok(page)
            }
            Err(error) => Err(self.at_page(error)),
        }))
    }

    /// Goes to the page with the token.
    fn advance(&mut self, token: Option<&str>) {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            self.state = State::End;
            return;
        };
        self.request.set_page_token(token.to_owned());
        if !self.seen.insert(token.to_owned()) {
            self.state = State::Repeats;
        }
    }

    fn at_page(&self, error: Error) -> Error {
        error.with_page_token(self.request.page_token().unwrap_or_default())
    }
}

impl<R: Paged> Unpin for Pages<R> {}

impl<R: Paged> Stream for Pages<R> {
    type Item = Result<R::Response, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let page = ready!(self.poll_page(context));
        if matches!(page, Some(Ok(_))) {
            self.prefetch();
        }
        Poll::Ready(page)
    }
}

impl<R: Paged> fmt::Debug for Pages<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("page_token", &self.page_token())
            .finish_non_exhaustive()
    }
}

/// Where in a list a caller is: a page, and how many of its items were taken.
///
/// It can be saved, and [`Items::resume`] goes on from it, with a request that is the same otherwise, page size included.
/// What the server changes meanwhile can move items from one page to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Position {
    /// The token of the page; empty for the first one.
    pub page_token: String,
    /// How many items of the page were taken.
    pub taken: usize,
}

/// The items of a list, from the page that the request asks for to the last one: a `Stream` of items.
///
/// Pages come and fail as in [`Pages`]: after an error, polling again goes on with the item that would have come.
#[must_use = "nothing is sent until the stream is polled"]
pub struct Items<R: Paged> {
    pages: Pages<R>,
    /// What is left of the page.
    page: vec::IntoIter<R::Item>,
    /// The objects that the items of the page refer to.
    expanded: Arc<[Any]>,
    /// The next item, if it is not that of the next page.
    position: Position,
    /// How many items of the next page to leave out.
    skip: usize,
    /// How many items are still to come at most.
    left: Option<usize>,
}

impl<R: Paged> Items<R> {
    pub(crate) fn new(request: R) -> Self {
        let pages = Pages::new(request);
        Self {
            page: Vec::new().into_iter(),
            expanded: Arc::new([]),
            position: Position::default(),
            pages,
            skip: 0,
            left: None,
        }
    }

    /// Ends after so many items, however large the pages are: the page size is a field of the request. No page is fetched
    /// that is not needed.
    pub fn limit(mut self, items: usize) -> Self {
        self.left = Some(items);
        self
    }

    /// Goes on from a position that [`Items::position`] returned.
    pub fn resume(self, position: Position) -> Self {
        let mut request = self.pages.request;
        request.set_page_token(position.page_token);
        Self {
            pages: Pages::new(request),
            skip: position.taken,
            ..self
        }
    }

    /// Each item together with the objects that it refers to, which its page holds: those that the request's expand mask asks
    /// for. See [`related`](crate::related).
    pub fn with_expanded(self) -> WithExpanded<R> {
        WithExpanded { items: self }
    }

    /// The position of the next item, to be saved; `None` at the end of the list.
    pub fn position(&self) -> Option<Position> {
        if self.page.len() > 0 {
            return Some(self.position.clone());
        }
        self.pages.page_token().map(|token| Position {
            page_token: token.to_owned(),
            taken: self.skip,
        })
    }

    /// The next item; `None` at the end. The same as the method of futures' `TryStreamExt`.
    ///
    /// # Errors
    ///
    /// Those of the call, and one about a repeated token; see [`Pages`].
    pub async fn try_next(&mut self) -> Result<Option<R::Item>, Error> {
        let next = std::future::poll_fn(|context| Pin::new(&mut *self).poll_next(context));
        next.await.transpose()
    }

    /// All items that are still to come. The same as the method of futures' `TryStreamExt`.
    ///
    /// # Errors
    ///
    /// The first error; the items so far are lost.
    pub async fn try_collect<C: Default + Extend<R::Item>>(mut self) -> Result<C, Error> {
        let mut all = C::default();
        while let Some(item) = self.try_next().await? {
            all.extend([item]);
        }
        Ok(all)
    }

    /// Goes on with the items of a page.
    fn begin(&mut self, mut page: R::Response, page_token: String) {
        self.expanded = R::take_expanded(&mut page).into();
        let mut items = R::into_items(page).into_iter();
        let taken = std::mem::take(&mut self.skip).min(items.len());
        items.by_ref().take(taken).for_each(drop);
        self.page = items;
        self.position = Position { page_token, taken };
        if self.left.is_none_or(|left| left > self.page.len()) {
            self.pages.prefetch();
        }
    }
}

impl<R: Paged> Unpin for Items<R> {}

impl<R: Paged> Stream for Items<R> {
    type Item = Result<R::Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.left == Some(0) {
                return Poll::Ready(None);
            }
            if let Some(item) = self.page.next() {
                self.position.taken += 1;
                self.left = self.left.map(|left| left - 1);
                return Poll::Ready(Some(Ok(item)));
            }
            let token = self.pages.page_token().unwrap_or_default().to_owned();
            match ready!(self.pages.poll_page(context)) {
                Some(Ok(page)) => self.begin(page, token),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<R: Paged> fmt::Debug for Items<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("position", &self.position())
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

/// The items of a list, each with the objects that it refers to: a `Stream` of pairs, made by [`Items::with_expanded`].
///
/// The objects are those of the whole page, which its items share.
#[must_use = "nothing is sent until the stream is polled"]
#[derive(Debug)]
pub struct WithExpanded<R: Paged> {
    items: Items<R>,
}

impl<R: Paged> WithExpanded<R> {
    /// The next item; `None` at the end. The same as the method of futures' `TryStreamExt`.
    ///
    /// # Errors
    ///
    /// Those of the call, and one about a repeated token; see [`Pages`].
    pub async fn try_next(&mut self) -> Result<Option<(R::Item, Arc<[Any]>)>, Error> {
        let item = self.items.try_next().await?;
        Ok(item.map(|item| (item, Arc::clone(&self.items.expanded))))
    }
}

impl<R: Paged> Unpin for WithExpanded<R> {}

impl<R: Paged> Stream for WithExpanded<R> {
    type Item = Result<(R::Item, Arc<[Any]>), Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(Pin::new(&mut self.items).poll_next(context));
        let pair = |item| (item, Arc::clone(&self.items.expanded));
        Poll::Ready(item.map(|item| item.map(pair)))
    }
}

/// Makes a [`Paged`] of each listed builder: where the token of the page goes, the fields of the response with the token of
/// the next page and the items, the type of these, and the field with related objects, if there is one.
#[allow(unused_macros, reason = "a build may have no lists")]
macro_rules! pages {
    ($($request:ident: $($token:ident).+, $next:ident, $items:ident: $item:ty $(, $expanded:ident)?;)*) => { $(
        impl $crate::Paged for $request {
            type Item = $item;

            fn page_token(&self) -> Option<&str> {
                self.$($token).+.as_deref()
            }
            fn set_page_token(&mut self, token: String) {
                self.$($token).+ = Some(token);
            }
            fn next_page_token(response: &Self::Response) -> Option<&str> {
                response.$next.as_deref()
            }
            $(fn take_expanded(response: &mut Self::Response) -> Vec<$crate::Any> {
                ::std::mem::take(&mut response.$expanded)
            })?
            fn into_items(response: Self::Response) -> Vec<$item> {
                response.$items
            }
        }
        impl $request {
            /// All items of the list as a stream, from this page on.
            pub fn items(self) -> $crate::Items<Self> {
                $crate::Items::new(self)
            }

            /// All pages of the list as a stream, from this one on.
            pub fn pages(self) -> $crate::Pages<Self> {
                $crate::Pages::new(self)
            }
        }
    )* };
}
#[allow(unused_imports, reason = "a build may have no lists")]
pub(crate) use pages;
