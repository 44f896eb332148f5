from datetime import timedelta

from builders import a_city, a_user, signed_in

from huigong import clock
from huigong.models import Role
from huigong.workflows import accounts


def test_a_user_sets_a_password_by_link_and_signs_in(app):
    user = a_user(Role.CLERK, at=a_city())
    token = accounts.make_link(user, by=None, at=clock.real_now())
    client = app.test_client()
    sent = client.send(
        f"/admin/password/{token}", {"password": "correct horse", "again": "correct horse"}
    )
    assert sent.status_code == 303
    sent = client.send("/admin/sign-in", {"login": user.login, "password": "correct horse"})
    assert sent.status_code == 303
    assert user.name in client.get("/admin/").get_data(as_text=True)


def test_a_session_ends_after_thirty_idle_minutes(app):
    client = signed_in(app, a_user(Role.CLERK, at=a_city()))
    assert client.get("/admin/").status_code == 200
    from huigong.models import Session

    Session.update(seen_at=clock.real_now() - timedelta(minutes=31)).execute()
    assert client.get("/admin/").status_code == 303
