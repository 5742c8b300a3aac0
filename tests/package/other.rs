//! The same with other.yaml: the client of another service.

use c1_api_emulator::Emulator;
use c1_api_ext::{C1, c1_api, types};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let description = c1_api::DESCRIPTION;
    assert_eq!(description.version, "3.2.0");
    assert_eq!((description.built_operations, description.built_groups), (2, 2));

    let emulator = Emulator::start().await?;
    let library = C1::builder()
        .client_credentials(emulator.client_id(), emulator.client_secret())
        .build()?;
    let books = library.book().list().page_size(5).await?.list;
    assert!(books.iter().all(|book| book.id.is_some() && book.shelf.is_some()));
    let request = types::CreateLoanRequest::new("ada").days(14);
    let loan = library.loan().create("b 1", request).await?;
    assert!(loan.due_at.is_some());

    let requests = emulator.requests();
    let [list, create] = &requests[..] else {
        return Err("not two requests".into());
    };
    assert_eq!(list.operation, "book.list");
    assert_eq!(list.query, [("page_size".to_owned(), "5".to_owned())]);
    assert_eq!(create.template, "/v3/books/{book_id}/loans");
    assert_eq!(create.path["book_id"], "b 1");
    let body = create.body.as_ref().ok_or("no body")?;
    assert_eq!((&body["reader"], &body["days"]), (&"ada".into(), &14.into()));
    Ok(())
}
