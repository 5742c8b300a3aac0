//! Calls a mock of c1-api-httpmock, from the packages alone.

use c1_api_ext::C1;
use c1_api_ext::types::GetAppResponse;
use c1_api_httpmock::{MockServer, MockServerExt as _};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = MockServer::start_async().await;
    let mock = server.apps_get(|when, then| {
        when.id("1");
        then.ok(&GetAppResponse::default());
    });
    let c1 = C1::builder().tenant(server.base_url());
    c1.access_token("any").build()?.apps().get("1").await?;
    mock.assert_calls(1);
    Ok(())
}
