"""The vendor's SDK for Python: lists and creates apps, and reads users and tasks, of a tenant that C1_URL names.

It is generated from an older document. C1_TOKEN is the access token.
"""

import os

from conductorone_sdk import SDK
from conductorone_sdk.models import shared

TOKEN = os.environ["C1_TOKEN"]

with SDK(
    security=shared.Security(bearer_auth=f"Bearer {TOKEN}", oauth=TOKEN),
    server_url=os.environ["C1_URL"],
) as sdk:
    created = sdk.apps.create(request=shared.CreateAppRequest(display_name="By the vendor's SDK"))
    app = created.create_app_response.app
    assert app.display_name == "By the vendor's SDK", app
    apps = sdk.apps.list().list_apps_response.list
    assert any(one.id == app.id for one in apps), apps
    got = sdk.apps.get(request={"id": app.id}).get_app_response.app
    assert got.id == app.id, got
    users = sdk.user.list().user_service_list_response.list
    assert users, "no users"
    entitlements = 0
    for one in apps:
        views = sdk.app_entitlements.list(request={"app_id": one.id}).list_app_entitlements_response.list
        entitlements += len(views or [])
    assert entitlements, "no entitlements"
    print(f"{len(apps)} apps, one of them created, {entitlements} entitlements, {len(users)} users")
