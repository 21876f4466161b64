"""Who gets what at every address: one table, and an address missing from it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.invites import create_invite
from accounts.models import Scope
from accounts.services import create_token, create_user, revoke_token
from moderation.models import ItemKind, Scan
from moderation.services.items import open_item
from skills.models import ModerationStatus, Skill, SkillBadge, SkillComment
from tests.factories.accounts import organisation, session_of, sign_in
from tests.factories.comments import reported
from tests.factories.desk import decision_on
from tests.factories.jobs import make_run
from tests.factories.traces import Uploader, said
from traces.models import SummaryLog

# Alice owns the skill and the token that the addresses name, and both tokens asked with.
ACTORS = ("visitor", "user", "owner", "moderator", "admin", "banned", "token", "revoked")

# Method, route as the URLconf spells it (/ = the empty one), the skill's state where it matters,
# then the status for each actor; one number alone is for everybody.
TABLE = r"""
# --- Probes, discovery, small pages
#                                                                                        vis use own mod adm ban tok rev
GET  .well-known/clawhub.json                                                            200
POST .well-known/clawhub.json                                                            405
GET  .well-known/clawdhub.json                                                           200
POST .well-known/clawdhub.json                                                           405
GET  v1/health                                                                           200
POST v1/health                                                                           405
GET  v1/auth/cli/start                                                                   405
POST v1/auth/cli/start                                                                   400
GET  v1/auth/cli/status                                                                  200
POST v1/auth/cli/status                                                                  405
GET  v1/auth/cli/complete                                                                405
POST v1/auth/cli/complete                                                                404
GET  v1/session                                                                          401 401 401 401 401 401 403 401
POST v1/session                                                                          405
GET  v1/session/switch                                                                   405
POST v1/session/switch                                                                   401 401 401 401 401 401 403 401
GET  v1/namespaces                                                                       401 401 401 401 401 401 200 401
POST v1/namespaces                                                                       401 401 401 401 401 401 403 401
GET  v1/namespaces/<str:handle>/invites                                                  405
POST v1/namespaces/<str:handle>/invites                                                  401 401 401 401 401 401 403 401
GET  v1/feed                                                                             200 200 200 200 200 200 200 401
POST v1/feed                                                                             405
GET  v1/traces                                                                           401 401 401 401 401 401 403 401
POST v1/traces                                                                           405
GET  v1/namespaces/<str:handle>/traces                                                   200 200 200 200 200 200 403 401
POST v1/namespaces/<str:handle>/traces                                                   405
GET  v1/traces/<path:external_id>                                                        404 404 404 404 404 404 403 401
POST v1/traces/<path:external_id>                                                        405
PUT  v1/traces/<path:external_id>                                                        401 401 401 401 401 401 403 401
DELETE v1/traces/<path:external_id>                                                      401 401 401 401 401 401 403 401
GET  v1/traces/<path:external_id>/messages                                               404 404 404 404 404 404 403 401
POST v1/traces/<path:external_id>/messages                                               405
GET  v1/traces/<path:external_id>/messages/batch                                         405
POST v1/traces/<path:external_id>/messages/batch                                         401 401 401 401 401 401 403 401
GET  v1/traces/<path:external_id>/messages/<path:message_id>                             405
POST v1/traces/<path:external_id>/messages/<path:message_id>                             405
PUT  v1/traces/<path:external_id>/messages/<path:message_id>                             401 401 401 401 401 401 403 401
GET  v1/traces/<path:external_id>/transfer                                               405
POST v1/traces/<path:external_id>/transfer                                               401 401 401 401 401 401 403 401
GET  config.json                                                                         200
POST config.json                                                                         405
GET  v1/search                                                                           200 200 200 200 200 200 403 401
POST v1/search                                                                           405
GET  ^v1/                                                                                404
POST ^v1/                                                                                404
GET  healthz                                                                             200
POST healthz                                                                             405
GET  readyz                                                                              200
POST readyz                                                                              405
GET  robots.txt                                                                          200
POST robots.txt                                                                          405
GET  api/docs/                                                                           200
POST api/docs/                                                                           405
GET  api/docs/traces/                                                                    200
POST api/docs/traces/                                                                    405
GET  metrics                                                                             404
POST metrics                                                                             404
GET  about/                                                                              200
POST about/                                                                              405
GET  about/counts/                                                                       200
POST about/counts/                                                                       405
GET  about/moderation/                                                                   200
POST about/moderation/                                                                   405
GET  about/ranking/                                                                      200
POST about/ranking/                                                                      405
GET  about/feeds/                                                                        200
POST about/feeds/                                                                        405
GET  about/ai-summaries/                                                                 200
POST about/ai-summaries/                                                                 405
GET  t/search/                                                                           200
POST t/search/                                                                           405
# --- People
#                                                                                        vis use own mod adm ban tok rev
GET  login/                                                                              200 302 302 302 302 200 200 200
POST login/                                                                              422 302 302 302 302 422 422 422
GET  login/github/                                                                       405
POST login/github/                                                                       404
GET  login/github/callback/                                                              404
POST login/github/callback/                                                              405
GET  login/github/name/                                                                  404
POST login/github/name/                                                                  404
GET  login/code/                                                                         302
POST login/code/                                                                         302
GET  login/device/                                                                       302 404 404 404 404 302 302 302
POST login/device/                                                                       302 404 404 404 404 302 302 302
GET  logout/                                                                             302 200 200 200 200 302 302 302
POST logout/                                                                             302
GET  theme/                                                                              405
POST theme/                                                                              302
GET  me/tokens/                                                                          302 200 200 200 200 302 302 302
POST me/tokens/                                                                          302 422 422 422 422 302 302 302
GET  me/tokens/<slug:lookup_id>/revoke/                                                  302 404 200 404 404 302 302 302
POST me/tokens/<slug:lookup_id>/revoke/                                                  302 404 302 404 404 302 302 302
GET  me/account/                                                                         302 200 200 200 200 302 302 302
POST me/account/                                                                         405
GET  me/account/export/                                                                  302
POST me/account/export/                                                                  302 200 200 200 200 302 302 302
GET  me/account/delete/                                                                  302 200 200 200 200 302 302 302
POST me/account/delete/                                                                  302 422 422 422 422 302 302 302
GET  me/account/deleted/                                                                 200
POST me/account/deleted/                                                                 405
GET  me/settings/                                                                        302 200 200 200 200 302 302 302
POST me/settings/                                                                        302 422 422 422 422 302 302 302
GET  me/security/                                                                        302 200 200 200 200 302 302 302
POST me/security/                                                                        405
GET  me/security/confirm/                                                                302 200 200 200 200 302 302 302
POST me/security/confirm/                                                                302 422 422 422 422 302 302 302
GET  me/security/sign-out/                                                               302 200 200 200 200 302 302 302
POST me/security/sign-out/                                                               302
GET  me/security/password/                                                               302 200 200 200 200 302 302 302
POST me/security/password/                                                               302 422 422 422 422 302 302 302
GET  me/security/app/                                                                    302 200 200 200 200 302 302 302
POST me/security/app/                                                                    302 422 422 422 422 302 302 302
GET  me/security/passkeys/                                                               302 200 200 200 200 302 302 302
POST me/security/passkeys/                                                               302 422 422 422 422 302 302 302
GET  me/security/github/                                                                 302 404 404 404 404 302 302 302
POST me/security/github/                                                                 302 404 404 404 404 302 302 302
GET  me/security/github/remove/                                                          302
POST me/security/github/remove/                                                          302
GET  me/security/recovery-codes/                                                         302
POST me/security/recovery-codes/                                                         302
GET  me/security/factors/<int:factor_id>/remove/                                         302 404 404 404 404 302 302 302
POST me/security/factors/<int:factor_id>/remove/                                         302 404 404 404 404 302 302 302
GET  me/devices/                                                                         302 200 200 200 200 302 302 302
POST me/devices/                                                                         405
GET  me/devices/end/                                                                     302 200 200 200 200 302 302 302
POST me/devices/end/                                                                     302
GET  me/devices/<slug:session_id>/end/                                                   302 404 200 404 404 302 302 302
POST me/devices/<slug:session_id>/end/                                                   302 404 302 404 404 302 302 302
GET  invite/<slug:code>                                                                  302 200 200 200 200 302 302 302
POST invite/<slug:code>                                                                  302
GET  invite/<slug:code>/                                                                 302 200 200 200 200 302 302 302
POST invite/<slug:code>/                                                                 302
GET  me/traces/                                                                          302 200 200 200 200 302 302 302
POST me/traces/                                                                          405
GET  me/traces/<str:public_id>/                                                          302 404 200 404 404 302 302 302
POST me/traces/<str:public_id>/                                                          302 404 302 404 404 302 302 302
GET  me/traces/<str:public_id>/transfer/                                                 405
POST me/traces/<str:public_id>/transfer/                                                302 404 422 404 404 302 302 302
GET  me/traces/<str:public_id>/unshare/                                                  302 404 200 404 404 302 302 302
POST me/traces/<str:public_id>/unshare/                                                  302 404 302 404 404 302 302 302
GET  me/traces/<str:public_id>/summary/                                                  302 404 302 404 404 302 302 302
POST me/traces/<str:public_id>/summary/                                                  302 404 302 404 404 302 302 302
GET  me/namespaces/                                                                      302 200 200 200 200 302 302 302
POST me/namespaces/                                                                      302 422 422 422 422 302 302 302
GET  me/namespaces/<str:handle>/                                                         302 404 200 404 404 302 302 302
POST me/namespaces/<str:handle>/                                                         302 404 422 404 404 302 302 302
GET  me/namespaces/<str:handle>/members/                                                 302 404 200 404 404 302 302 302
POST me/namespaces/<str:handle>/members/                                                 302 404 405 404 404 302 302 302
GET  me/namespaces/<str:handle>/members/<int:user_id>/                                   302 404 200 404 404 302 302 302
POST me/namespaces/<str:handle>/members/<int:user_id>/                                   302 404 422 404 404 302 302 302
GET  me/namespaces/<str:handle>/members/<int:user_id>/remove/                            302 404 200 404 404 302 302 302
POST me/namespaces/<str:handle>/members/<int:user_id>/remove/                            302 404 422 404 404 302 302 302
GET  me/namespaces/<str:handle>/invites/                                                 302 404 200 404 404 302 302 302
POST me/namespaces/<str:handle>/invites/                                                 302 404 422 404 404 302 302 302
GET  me/namespaces/<str:handle>/invites/<int:invite_id>/revoke/                          302 404 200 404 404 302 302 302
POST me/namespaces/<str:handle>/invites/<int:invite_id>/revoke/                          302 404 302 404 404 302 302 302
GET  me/namespaces/<str:handle>/keys/                                                    302 404 200 404 404 302 302 302
POST me/namespaces/<str:handle>/keys/                                                    302 404 422 404 404 302 302 302
GET  me/namespaces/<str:handle>/keys/<slug:lookup_id>/revoke/                            302 404 200 404 404 302 302 302
POST me/namespaces/<str:handle>/keys/<slug:lookup_id>/revoke/                            302 404 302 404 404 302 302 302
# --- Staff: moderators read, admins act, nobody else is told that it is there
#                                                                                        vis use own mod adm ban tok rev
GET  staff/                                                                              404 404 404 200 200 404 404 404
POST staff/                                                                              404 404 404 405 405 404 404 404
GET  staff/traces/                                                                       404 404 404 404 200 404 404 404
POST staff/traces/                                                                       404 404 404 404 405 404 404 404
GET  staff/traces/<str:public_id>/                                                       404 404 404 404 200 404 404 404
POST staff/traces/<str:public_id>/                                                       404 404 404 404 405 404 404 404
GET  staff/traces/<str:public_id>/recount/                                               404 404 404 404 405 404 404 404
POST staff/traces/<str:public_id>/recount/                                               404 404 404 404 302 404 404 404
GET  staff/traces/<str:public_id>/summary/                                               404 404 404 404 302 404 404 404
POST staff/traces/<str:public_id>/summary/                                               404 404 404 404 302 404 404 404
GET  staff/traces/<str:public_id>/summary/switch/                                        404 404 404 404 405 404 404 404
POST staff/traces/<str:public_id>/summary/switch/                                        404 404 404 404 302 404 404 404
GET  staff/summaries/                                                                    404 404 404 200 200 404 404 404
POST staff/summaries/                                                                    404 404 404 405 405 404 404 404
GET  staff/summaries/switch/                                                             404 404 404 404 405 404 404 404
POST staff/summaries/switch/                                                             404 404 404 404 302 404 404 404
GET  staff/summaries/caps/                                                               404 404 404 404 405 404 404 404
POST staff/summaries/caps/                                                               404 404 404 404 302 404 404 404
GET  staff/summaries/resume/                                                             404 404 404 404 405 404 404 404
POST staff/summaries/resume/                                                             404 404 404 404 302 404 404 404
GET  staff/summaries/retry/                                                              404 404 404 404 405 404 404 404
POST staff/summaries/retry/                                                              404 404 404 404 302 404 404 404
GET  staff/summaries/refresh/                                                            404 404 404 404 200 404 404 404
POST staff/summaries/refresh/                                                            404 404 404 404 422 404 404 404
GET  staff/summaries/logs/                                                               404 404 404 404 200 404 404 404
POST staff/summaries/logs/                                                               404 404 404 404 405 404 404 404
GET  staff/summaries/logs/<int:log_id>/                                                  404 404 404 404 200 404 404 404
POST staff/summaries/logs/<int:log_id>/                                                  404 404 404 404 405 404 404 404
GET  staff/summaries/namespaces/                                                         404 404 404 302 302 404 404 404
POST staff/summaries/namespaces/                                                         404 404 404 405 405 404 404 404
GET  staff/summaries/namespaces/<str:handle>/                                            404 404 404 200 200 404 404 404
POST staff/summaries/namespaces/<str:handle>/                                            404 404 404 405 405 404 404 404
GET  staff/summaries/namespaces/<str:handle>/switch/                                     404 404 404 404 405 404 404 404
POST staff/summaries/namespaces/<str:handle>/switch/                                     404 404 404 404 302 404 404 404
GET  staff/summaries/namespaces/<str:handle>/caps/                                       404 404 404 404 405 404 404 404
POST staff/summaries/namespaces/<str:handle>/caps/                                       404 404 404 404 302 404 404 404
GET  staff/jobs/                                                                         404 404 404 200 200 404 404 404
POST staff/jobs/                                                                         404 404 404 405 405 404 404 404
GET  staff/jobs/<int:run_id>/                                                            404 404 404 200 200 404 404 404
POST staff/jobs/<int:run_id>/                                                            404 404 404 405 405 404 404 404
GET  staff/jobs/<slug:name>/                                                             404 404 404 200 200 404 404 404
POST staff/jobs/<slug:name>/                                                             404 404 404 405 405 404 404 404
GET  staff/database/                                                                     404 404 404 200 200 404 404 404
POST staff/database/                                                                     404 404 404 405 405 404 404 404
GET  staff/badges/                                                                       404 404 404 200 200 404 404 404
POST staff/badges/                                                                       404 404 404 302 302 404 404 404
GET  staff/badges/<int:badge_id>/take/                                                   404 404 404 200 200 404 404 404
POST staff/badges/<int:badge_id>/take/                                                   404 404 404 302 302 404 404 404
GET  staff/settings/                                                                     404 404 404 200 200 404 404 404
POST staff/settings/                                                                     404 404 404 405 405 404 404 404
GET  staff/settings/reserved/                                                            404 404 404 404 405 404 404 404
POST staff/settings/reserved/                                                            404 404 404 404 302 404 404 404
GET  staff/settings/reserved/<int:reserved_id>/free/                                     404 404 404 404 405 404 404 404
POST staff/settings/reserved/<int:reserved_id>/free/                                     404 404 404 404 302 404 404 404
GET  staff/settings/quality/                                                             404 404 404 404 405 404 404 404
POST staff/settings/quality/                                                             404 404 404 404 422 404 404 404
GET  staff/jobs/rebuild/                                                                 404 404 404 404 405 404 404 404
POST staff/jobs/rebuild/                                                                 404 404 404 404 302 404 404 404
GET  staff/jobs/<int:run_id>/pause/                                                      404 404 404 404 405 404 404 404
POST staff/jobs/<int:run_id>/pause/                                                      404 404 404 404 302 404 404 404
GET  staff/jobs/<int:run_id>/resume/                                                     404 404 404 404 405 404 404 404
POST staff/jobs/<int:run_id>/resume/                                                     404 404 404 404 302 404 404 404
GET  staff/jobs/<slug:name>/start/                                                       404 404 404 404 405 404 404 404
POST staff/jobs/<slug:name>/start/                                                       404 404 404 404 302 404 404 404
GET  staff/jobs/<slug:name>/dry-run/                                                     404 404 404 404 405 404 404 404
POST staff/jobs/<slug:name>/dry-run/                                                     404 404 404 404 302 404 404 404
GET  staff/jobs/<slug:name>/pause/                                                       404 404 404 404 405 404 404 404
POST staff/jobs/<slug:name>/pause/                                                       404 404 404 404 302 404 404 404
GET  staff/jobs/<slug:name>/resume/                                                      404 404 404 404 405 404 404 404
POST staff/jobs/<slug:name>/resume/                                                      404 404 404 404 302 404 404 404
GET  staff/jobs/<int:run_id>/cancel/                                                     404 404 404 404 200 404 404 404
POST staff/jobs/<int:run_id>/cancel/                                                     404 404 404 404 302 404 404 404
GET  staff/database/reset/                                                               404 404 404 404 200 404 404 404
POST staff/database/reset/                                                               404 404 404 404 302 404 404 404
GET  staff/authors/<str:handle>/                                                         404 404 404 200 200 404 404 404
POST staff/authors/<str:handle>/                                                         404 404 404 405 405 404 404 404
GET  staff/authors/<str:handle>/ban/                                                     404 404 404 200 200 404 404 404
POST staff/authors/<str:handle>/ban/                                                     404 404 404 302 302 404 404 404
GET  staff/authors/<str:handle>/unban/                                                   404 404 404 404 200 404 404 404
POST staff/authors/<str:handle>/unban/                                                   404 404 404 404 302 404 404 404
GET  staff/comments/                                                                     404 404 404 200 200 404 404 404
POST staff/comments/                                                                     404 404 404 405 405 404 404 404
GET  staff/comments/<int:comment_id>/                                                    404 404 404 200 200 404 404 404
POST staff/comments/<int:comment_id>/                                                    404 404 404 405 405 404 404 404
GET  staff/comments/<int:comment_id>/hide/                                               404 404 404 405 405 404 404 404
POST staff/comments/<int:comment_id>/hide/                                               404 404 404 302 302 404 404 404
GET  staff/comments/<int:comment_id>/show/                                               404 404 404 405 405 404 404 404
POST staff/comments/<int:comment_id>/show/                                               404 404 404 409 409 404 404 404
GET  staff/comments/<int:comment_id>/dismiss/                                            404 404 404 405 405 404 404 404
POST staff/comments/<int:comment_id>/dismiss/                                            404 404 404 302 302 404 404 404
GET  staff/queue/                                                                        404 404 404 200 200 404 404 404
POST staff/queue/                                                                        404 404 404 405 405 404 404 404
GET  staff/queue/next/                                                                   404 404 404 405 405 404 404 404
POST staff/queue/next/                                                                   404 404 404 302 302 404 404 404
GET  staff/queue/bulk/                                                                   404 404 404 200 200 404 404 404
POST staff/queue/bulk/                                                                   404 404 404 302 302 404 404 404
GET  staff/queue/<int:item_id>/                                                          404 404 404 200 200 404 404 404
POST staff/queue/<int:item_id>/                                                          404 404 404 405 405 404 404 404
GET  staff/queue/<int:item_id>/claim/                                                    404 404 404 405 405 404 404 404
POST staff/queue/<int:item_id>/claim/                                                    404 404 404 302 302 404 404 404
GET  staff/queue/<int:item_id>/release/                                                  404 404 404 405 405 404 404 404
POST staff/queue/<int:item_id>/release/                                                  404 404 404 302 302 404 404 404
GET  staff/queue/<int:item_id>/heartbeat/                                                404 404 404 405 405 404 404 404
POST staff/queue/<int:item_id>/heartbeat/                                                404 404 404 204 204 404 404 404
GET  staff/queue/<int:item_id>/note/                                                     404 404 404 405 405 404 404 404
POST staff/queue/<int:item_id>/note/                                                     404 404 404 422 422 404 404 404
GET  staff/queue/<int:item_id>/decide/                                                   404 404 404 405 405 404 404 404
POST staff/queue/<int:item_id>/decide/                                                   404 404 404 422 422 404 404 404
GET  staff/queue/<int:item_id>/undo/                                                     404 404 404 405 405 404 404 404
POST staff/queue/<int:item_id>/undo/                                                     404 404 404 404 404 404 404 404
GET  staff/decisions/                                                                    404 404 404 200 200 404 404 404
POST staff/decisions/                                                                    404 404 404 405 405 404 404 404
GET  staff/decisions.csv                                                                 404 404 404 200 200 404 404 404
POST staff/decisions.csv                                                                 404 404 404 405 405 404 404 404
GET  staff/reasons/                                                                      404 404 404 200 200 404 404 404
POST staff/reasons/                                                                      404 404 404 405 405 404 404 404
GET  staff/reasons/new/                                                                  404 404 404 404 200 404 404 404
POST staff/reasons/new/                                                                  404 404 404 404 422 404 404 404
GET  staff/reasons/<slug:key>/                                                           404 404 404 404 200 404 404 404
POST staff/reasons/<slug:key>/                                                           404 404 404 404 422 404 404 404
# --- Pages of skills
#                                                                                        vis use own mod adm ban tok rev
GET  /                                                                                   200
POST /                                                                                   405
GET  skills/                                                                             200
POST skills/                                                                             405
GET  skills/<str:owner>/<str:slug>/                                                      200
POST skills/<str:owner>/<str:slug>/                                                      405
GET  skills/<str:owner>/<str:slug>/star/                                                 302
POST skills/<str:owner>/<str:slug>/star/                                                 302
GET  skills/<str:owner>/<str:slug>/security/                                             302
POST skills/<str:owner>/<str:slug>/security/                                             405
GET  skills/<str:owner>/<str:slug>/versions/                                             200
POST skills/<str:owner>/<str:slug>/versions/                                             405
GET  skills/<str:owner>/<str:slug>/versions/<str:version>/                               200
POST skills/<str:owner>/<str:slug>/versions/<str:version>/                               405
GET  skills/<str:owner>/<str:slug>/versions/<str:version>/files/<path:path>              200
POST skills/<str:owner>/<str:slug>/versions/<str:version>/files/<path:path>              405
GET  skills/<str:owner>/<str:slug>/diff/                                                 302
POST skills/<str:owner>/<str:slug>/diff/                                                 405
GET  skills/<str:owner>/<str:slug>/diff/<str:pair>/                                      200
POST skills/<str:owner>/<str:slug>/diff/<str:pair>/                                      405
GET  u/<str:handle>/                                                                     200
POST u/<str:handle>/                                                                     405
GET  u/<str:handle>.atom                                                                 200
POST u/<str:handle>.atom                                                                 405
GET  leaderboards/<str:board>/                                                           200
POST leaderboards/<str:board>/                                                           405
GET  leaderboards/<str:board>.atom                                                       200
POST leaderboards/<str:board>.atom                                                       405
GET  leaderboards/<str:board>.json                                                       200
POST leaderboards/<str:board>.json                                                       405
GET  ^og/boards/(?P<board>[a-z-]+)-(?P<window>[0-9a-z]+)-(?P<mark>[0-9a-z]{1,32})\.png$  302
POST ^og/boards/(?P<board>[a-z-]+)-(?P<window>[0-9a-z]+)-(?P<mark>[0-9a-z]{1,32})\.png$  405
GET  sitemap.xml                                                                         200
POST sitemap.xml                                                                         405
GET  sitemap-<str:section>-<int:part>.xml                                                200
POST sitemap-<str:section>-<int:part>.xml                                                405
GET  skills/<str:owner>/<str:slug>/                                              hidden  404 404 200 200 200 404 404 404
GET  skills/<str:owner>/<str:slug>/star/                                         hidden  404 404 302 302 302 404 404 404
POST skills/<str:owner>/<str:slug>/star/                                         hidden 404 404 302 302 302 404 404 404
GET  skills/<str:owner>/<str:slug>/security/                                     hidden  404 404 302 302 302 404 404 404
GET  skills/<str:owner>/<str:slug>/versions/                                     hidden  404 404 200 200 200 404 404 404
GET  skills/<str:owner>/<str:slug>/versions/<str:version>/                       hidden  404 404 200 200 200 404 404 404
GET  skills/<str:owner>/<str:slug>/versions/<str:version>/files/<path:path>      hidden  404 404 200 200 200 404 404 404
GET  skills/<str:owner>/<str:slug>/diff/                                         hidden  404 404 302 302 302 404 404 404
GET  skills/<str:owner>/<str:slug>/diff/<str:pair>/                              hidden  404 404 200 200 200 404 404 404
GET  skills/<str:owner>/<str:slug>/                                              removed 410
GET  skills/<str:owner>/<str:slug>/star/                                         removed 410
POST skills/<str:owner>/<str:slug>/star/                                         removed 410
GET  skills/<str:owner>/<str:slug>/security/                                     removed 410
GET  skills/<str:owner>/<str:slug>/versions/                                     removed 410
GET  skills/<str:owner>/<str:slug>/versions/<str:version>/                       removed 410
GET  skills/<str:owner>/<str:slug>/versions/<str:version>/files/<path:path>      removed 410 410 410 200 200 410 410 410
GET  skills/<str:owner>/<str:slug>/diff/                                         removed 410
GET  skills/<str:owner>/<str:slug>/diff/<str:pair>/                              removed 410
GET  skills/<str:owner>/<str:slug>/                                              deleted 404 404 200 200 200 404 404 404
GET  skills/<str:owner>/<str:slug>/star/                                         deleted 404 404 302 302 302 404 404 404
POST skills/<str:owner>/<str:slug>/star/                                         deleted 404 404 302 302 302 404 404 404
GET  skills/<str:owner>/<str:slug>/security/                                     deleted 404 404 302 302 302 404 404 404
GET  skills/<str:owner>/<str:slug>/versions/                                     deleted 404 404 200 200 200 404 404 404
GET  skills/<str:owner>/<str:slug>/versions/<str:version>/                       deleted 404 404 200 200 200 404 404 404
GET  skills/<str:owner>/<str:slug>/versions/<str:version>/files/<path:path>      deleted 404 404 200 200 200 404 404 404
GET  skills/<str:owner>/<str:slug>/diff/                                         deleted 404 404 302 302 302 404 404 404
GET  skills/<str:owner>/<str:slug>/diff/<str:pair>/                              deleted 404 404 200 200 200 404 404 404
# --- Comments: the addresses name one of the user's
#                                                                                        vis use own mod adm ban tok rev
GET  skills/<str:owner>/<str:slug>/comments/                                             302
POST skills/<str:owner>/<str:slug>/comments/                                             302
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/                            302
POST skills/<str:owner>/<str:slug>/comments/<int:comment_id>/                            405
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/delete/                     302
POST skills/<str:owner>/<str:slug>/comments/<int:comment_id>/delete/                     302 302 404 404 404 302 302 302
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/restore/                    302
POST skills/<str:owner>/<str:slug>/comments/<int:comment_id>/restore/                    302 302 404 404 404 302 302 302
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/report/                     302 404 200 200 200 302 302 302
POST skills/<str:owner>/<str:slug>/comments/<int:comment_id>/report/                     302 404 302 302 302 302 302 302
GET  skills/<str:owner>/<str:slug>/comments/                                     hidden  404 404 302 302 302 404 404 404
POST skills/<str:owner>/<str:slug>/comments/                                     hidden  404 404 409 409 409 404 404 404
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/                    hidden  404 404 302 302 302 404 404 404
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/delete/             hidden  404 404 302 302 302 404 404 404
POST skills/<str:owner>/<str:slug>/comments/<int:comment_id>/delete/             hidden  404
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/restore/            hidden  404 404 302 302 302 404 404 404
POST skills/<str:owner>/<str:slug>/comments/<int:comment_id>/restore/            hidden  404
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/report/             hidden  404 404 200 200 200 404 404 404
POST skills/<str:owner>/<str:slug>/comments/<int:comment_id>/report/             hidden  404 404 302 302 302 404 404 404
GET  skills/<str:owner>/<str:slug>/comments/                                     deleted 404 404 302 302 302 404 404 404
POST skills/<str:owner>/<str:slug>/comments/                                     deleted 404 404 409 409 409 404 404 404
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/                    deleted 404 404 302 302 302 404 404 404
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/delete/             deleted 404 404 302 302 302 404 404 404
POST skills/<str:owner>/<str:slug>/comments/<int:comment_id>/delete/             deleted 404
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/restore/            deleted 404 404 302 302 302 404 404 404
POST skills/<str:owner>/<str:slug>/comments/<int:comment_id>/restore/            deleted 404
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/report/             deleted 404 404 200 200 200 404 404 404
POST skills/<str:owner>/<str:slug>/comments/<int:comment_id>/report/             deleted 404 404 302 302 302 404 404 404
GET  skills/<str:owner>/<str:slug>/comments/                                     removed 410
POST skills/<str:owner>/<str:slug>/comments/                                     removed 410
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/                    removed 410
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/delete/             removed 410
POST skills/<str:owner>/<str:slug>/comments/<int:comment_id>/delete/             removed 410
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/restore/            removed 410
POST skills/<str:owner>/<str:slug>/comments/<int:comment_id>/restore/            removed 410
GET  skills/<str:owner>/<str:slug>/comments/<int:comment_id>/report/             removed 410
POST skills/<str:owner>/<str:slug>/comments/<int:comment_id>/report/             removed 410
# --- Moderation, as authors, reporters and the public see it
#                                                                                        vis use own mod adm ban tok rev
GET  modlog/                                                                             200
POST modlog/                                                                             405
GET  modlog.atom                                                                         200
POST modlog.atom                                                                         405
GET  modlog.json                                                                         200
POST modlog.json                                                                         405
GET  skills/<str:owner>/<str:slug>/report/                                               302 200 200 200 200 302 302 302
POST skills/<str:owner>/<str:slug>/report/                                               302 422 422 422 422 302 302 302
GET  me/                                                                                 302 200 200 200 200 302 302 302
POST me/                                                                                 405
GET  me/notices/read/                                                                    302
POST me/notices/read/                                                                    302
GET  me/skills/<str:slug>/                                                               302 404 200 404 404 302 302 302
POST me/skills/<str:slug>/                                                               405
GET  me/skills/<str:slug>/rescan/                                                        302 404 302 404 404 302 302 302
POST me/skills/<str:slug>/rescan/                                                        302 404 302 404 404 302 302 302
GET  publish/                                                                            302 200 200 200 200 302 302 302
POST publish/                                                                            302 422 422 422 422 302 302 302
GET  publish/confirm/                                                                    302
POST publish/confirm/                                                                    302 422 422 422 422 302 302 302
GET  me/skills/<str:slug>/manage/                                                        302 404 200 404 404 302 302 302
POST me/skills/<str:slug>/manage/                                                        405
GET  me/skills/<str:slug>/manage/<slug:deed>/                                            302 404 302 404 404 302 302 302
POST me/skills/<str:slug>/manage/<slug:deed>/                                            302 404 302 404 404 302 302 302
GET  me/transfers/                                                                       302 200 200 200 200 302 302 302
POST me/transfers/                                                                       405
GET  me/transfers/<int:transfer_id>/<slug:answer>/                                       302
POST me/transfers/<int:transfer_id>/<slug:answer>/                                       302
GET  me/skills/<str:slug>/manage/                                                hidden  302 404 200 404 404 302 302 302
GET  me/skills/<str:slug>/manage/<slug:deed>/                                    hidden  302 404 302 404 404 302 302 302
POST me/skills/<str:slug>/manage/<slug:deed>/                                    hidden  302 404 422 404 404 302 302 302
GET  me/skills/<str:slug>/manage/                                                removed 302 404 200 404 404 302 302 302
GET  me/skills/<str:slug>/manage/<slug:deed>/                                    removed 302 404 302 404 404 302 302 302
POST me/skills/<str:slug>/manage/<slug:deed>/                                    removed 302 404 422 404 404 302 302 302
GET  me/skills/<str:slug>/manage/                                                deleted 302 404 200 404 404 302 302 302
GET  me/skills/<str:slug>/manage/<slug:deed>/                                    deleted 302 404 302 404 404 302 302 302
POST me/skills/<str:slug>/manage/<slug:deed>/                                    deleted 302 404 422 404 404 302 302 302
GET  me/decisions/<int:decision_id>/                                                     302 404 200 404 404 302 302 302
POST me/decisions/<int:decision_id>/                                                     405
GET  me/decisions/<int:decision_id>/appeal/                                              302 404 200 404 404 302 302 302
POST me/decisions/<int:decision_id>/appeal/                                              302 404 422 404 404 302 302 302
GET  skills/<str:owner>/<str:slug>/report/                                       hidden  404 404 200 200 200 404 404 404
POST skills/<str:owner>/<str:slug>/report/                                       hidden  404 404 422 422 422 404 404 404
GET  me/skills/<str:slug>/                                                       hidden  302 404 200 404 404 302 302 302
GET  me/skills/<str:slug>/rescan/                                                hidden  302 404 302 404 404 302 302 302
POST me/skills/<str:slug>/rescan/                                                hidden  302 404 302 404 404 302 302 302
GET  skills/<str:owner>/<str:slug>/report/                                       removed 410
POST skills/<str:owner>/<str:slug>/report/                                       removed 410
GET  me/skills/<str:slug>/                                                       removed 302 404 200 404 404 302 302 302
GET  me/skills/<str:slug>/rescan/                                                removed 302 404 302 404 404 302 302 302
POST me/skills/<str:slug>/rescan/                                                removed 302 404 302 404 404 302 302 302
GET  skills/<str:owner>/<str:slug>/report/                                       deleted 404 404 200 200 200 404 404 404
POST skills/<str:owner>/<str:slug>/report/                                       deleted 404 404 422 422 422 404 404 404
GET  me/skills/<str:slug>/                                                       deleted 302 404 200 404 404 302 302 302
GET  me/skills/<str:slug>/rescan/                                                deleted 302 404 302 404 404 302 302 302
POST me/skills/<str:slug>/rescan/                                                deleted 302 404 302 404 404 302 302 302
# --- Traces: the addresses name a private one of Alice's
#                                                                                        vis use own mod adm ban tok rev
GET  t/                                                                                  200
POST t/                                                                                  405
GET  t.atom                                                                              200
POST t.atom                                                                              405
GET  t/<path:wanted>                                                                     404 404 302 404 404 404 404 404
POST t/<path:wanted>                                                                     405
GET  t/<path:wanted>/                                                                    404 404 302 404 404 404 404 404
POST t/<path:wanted>/                                                                    405
GET  s/<path:wanted>/messages/<path:message_id>                                          404 404 200 404 404 404 404 404
POST s/<path:wanted>/messages/<path:message_id>                                          405
GET  s/<path:wanted>/full                                                                404 404 200 404 404 404 404 404
POST s/<path:wanted>/full                                                                405
GET  s/<path:wanted>.md                                                                  404 404 200 404 404 404 404 404
POST s/<path:wanted>.md                                                                  405
GET  s/<path:wanted>/                                                                    404 404 302 404 404 404 404 404
POST s/<path:wanted>/                                                                    405
GET  s/<path:wanted>                                                                     404 404 200 404 404 404 404 404
POST s/<path:wanted>                                                                     405
GET  ^og/traces/(?P<public_id>[0-9A-Za-z]{22})-(?P<mark>[0-9a-z]{1,32})\.png$            404
POST ^og/traces/(?P<public_id>[0-9A-Za-z]{22})-(?P<mark>[0-9a-z]{1,32})\.png$            405
GET  v1/traces/<path:external_id>/download                                               404 404 404 404 404 404 404 401
POST v1/traces/<path:external_id>/download                                               405
GET  api/v1/traces/<path:external_id>/download                                           404 404 404 404 404 404 404 401
POST api/v1/traces/<path:external_id>/download                                           405
# --- API
#                                                                                        vis use own mod adm ban tok rev
GET  api/v1/openapi.json                                                                 200
POST api/v1/openapi.json                                                                 200
GET  api/v1/whoami                                                                       401 401 401 401 401 401 200 401
POST api/v1/whoami                                                                       405
GET  api/v1/users                                                                        401 401 401 401 401 401 403 401
POST api/v1/users                                                                        405
GET  api/v1/users/role                                                                   405
POST api/v1/users/role                                                                   401 401 401 401 401 401 403 401
GET  api/v1/users/ban                                                                    405
POST api/v1/users/ban                                                                    401 401 401 401 401 401 403 401
GET  api/v1/publishers                                                                   405
POST api/v1/publishers                                                               401 401 401 401 401 401 403 401
GET  api/v1/users/unban                                                                  405
POST api/v1/users/unban                                                                  401 401 401 401 401 401 403 401
GET  api/v1/users/reclassify-ban                                                         405
POST api/v1/users/reclassify-ban                                                         401 401 401 401 401 401 403 401
GET  api/v1/skills                                                                       200
POST api/v1/skills                                                                       401 401 401 401 401 401 403 401
GET  api/v1/skills/-/upload-url                                                          405
POST api/v1/skills/-/upload-url                                                          401 401 401 401 401 401 403 401
GET  api/v1/skills/-/upload/<key>                                                        405
POST api/v1/skills/-/upload/<key>                                                        401 401 401 401 401 401 403 401
GET  api/v1/search                                                                       200
POST api/v1/search                                                                       405
GET  api/v1/skills/<reference:slug>                                                      200
POST api/v1/skills/<reference:slug>                                                      405
GET  api/v1/skills/<reference:slug>/versions                                             200
POST api/v1/skills/<reference:slug>/versions                                             405
GET  api/v1/skills/<reference:slug>/versions/<version>                                   200
POST api/v1/skills/<reference:slug>/versions/<version>                                   405
GET  api/v1/skills/<reference:slug>/file                                                 200
POST api/v1/skills/<reference:slug>/file                                                 405
GET  api/v1/trending                                                                     200
POST api/v1/trending                                                                     405
GET  api/v1/leaderboards/<board>                                                         200
POST api/v1/leaderboards/<board>                                                         405
GET  api/v1/resolve                                                                      200
POST api/v1/resolve                                                                      405
GET  api/v1/skills/<reference:slug>/moderation                                           404 404 404 404 404 404 200 404
POST api/v1/skills/<reference:slug>/moderation                                           405
GET  api/v1/skills/<reference:slug>/verify                                               200
POST api/v1/skills/<reference:slug>/verify                                               405
GET  api/v1/skills/<reference:slug>/install                                              200
POST api/v1/skills/<reference:slug>/install                                              405
GET  api/v1/download                                                                     200
POST api/v1/download                                                                     405
GET  api/v1/stars/<reference:slug>                                                       405
POST api/v1/stars/<reference:slug>                                                       401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/report                                               405
POST api/v1/skills/<reference:slug>/report                                               401 401 401 401 401 401 403 401
GET  api/v1/skills/-/reports                                                             401 401 401 401 401 401 403 401
POST api/v1/skills/-/reports                                                             405
GET  api/v1/skills/-/reports/<int:report_id>/triage                                      405
POST api/v1/skills/-/reports/<int:report_id>/triage                                      401 401 401 401 401 401 403 401
GET  api/v1/skills/-/scan                                                                405
POST api/v1/skills/-/scan                                                                401 401 401 401 401 401 404 401
GET  api/v1/skills/-/scan/<int:scan_id>                                                  401 401 401 401 401 401 200 401
POST api/v1/skills/-/scan/<int:scan_id>                                                  405
GET  api/v1/skills/-/scan/<int:scan_id>/download                                         401 401 401 401 401 401 409 401
POST api/v1/skills/-/scan/<int:scan_id>/download                                         405
GET  api/v1/skills/-/scan/download/<path:name>                                           401 401 401 401 401 401 409 401
POST api/v1/skills/-/scan/download/<path:name>                                           405
GET  api/v1/skills/<reference:slug>/undelete                                             405
POST api/v1/skills/<reference:slug>/undelete                                             401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/versions/<version>/restore                           405
POST api/v1/skills/<reference:slug>/versions/<version>/restore                           401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/tags/<tag>                                           405
POST api/v1/skills/<reference:slug>/tags/<tag>                                           401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/rename                                               405
POST api/v1/skills/<reference:slug>/rename                                               401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/merge                                                405
POST api/v1/skills/<reference:slug>/merge                                                401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/transfer                                             405
POST api/v1/skills/<reference:slug>/transfer                                             401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/transfer/<action>                                    405
POST api/v1/skills/<reference:slug>/transfer/<action>                                    401 401 401 401 401 401 403 401
GET  api/v1/transfers/<direction>                                                        401 401 401 401 401 401 200 401
POST api/v1/transfers/<direction>                                                        405
DELETE api/v1/skills/<reference:slug>                                                    401 401 401 401 401 401 403 401
DELETE api/v1/skills/<reference:slug>/versions/<version>                                 401 401 401 401 401 401 403 401
GET  api/v1/admin/queue/<int:item_id>:decide                                             405
POST api/v1/admin/queue/<int:item_id>:decide                                             401 401 401 401 401 401 403 401
GET  api/v1/admin/summaries:run                                                          405
POST api/v1/admin/summaries:run                                                          401 401 401 401 401 401 403 401
GET  api/v1/admin/summaries/<trace_id>:refresh                                           405
POST api/v1/admin/summaries/<trace_id>:refresh                                           401 401 401 401 401 401 403 401
GET  api/v1/admin/summaries/logs                                                         401 401 401 401 401 401 403 401
POST api/v1/admin/summaries/logs                                                         405
GET  api/v1/admin/runs/<int:run_id>                                                      401 401 401 401 401 401 403 401
POST api/v1/admin/runs/<int:run_id>                                                      405
GET  api/cli/telemetry/install                                                           405
POST api/cli/telemetry/install                                                           401 401 401 401 401 401 400 401
GET  api/cli/telemetry/sync                                                              405
POST api/cli/telemetry/sync                                                              401 401 401 401 401 401 200 401
GET  api/v1/                                                                             404
POST api/v1/                                                                             404
GET  ^api/                                                                               404
POST ^api/                                                                               404
GET  api/v1/skills/<reference:slug>/undelete                                     hidden  405
POST api/v1/skills/<reference:slug>/undelete                                     hidden  401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/versions/<version>/restore                   hidden  405
POST api/v1/skills/<reference:slug>/versions/<version>/restore                   hidden  401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/tags/<tag>                                   hidden  405
POST api/v1/skills/<reference:slug>/tags/<tag>                                   hidden  401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/rename                                       hidden  405
POST api/v1/skills/<reference:slug>/rename                                       hidden  401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/merge                                        hidden  405
POST api/v1/skills/<reference:slug>/merge                                        hidden  401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/transfer                                     hidden  405
POST api/v1/skills/<reference:slug>/transfer                                     hidden  401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/transfer/<action>                            hidden  405
POST api/v1/skills/<reference:slug>/transfer/<action>                            hidden  401 401 401 401 401 401 403 401
DELETE api/v1/skills/<reference:slug>                                            hidden  401 401 401 401 401 401 403 401
DELETE api/v1/skills/<reference:slug>/versions/<version>                         hidden  401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/undelete                                     removed 405
POST api/v1/skills/<reference:slug>/undelete                                     removed 401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/versions/<version>/restore                   removed 405
POST api/v1/skills/<reference:slug>/versions/<version>/restore                   removed 401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/tags/<tag>                                   removed 405
POST api/v1/skills/<reference:slug>/tags/<tag>                                   removed 401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/rename                                       removed 405
POST api/v1/skills/<reference:slug>/rename                                       removed 401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/merge                                        removed 405
POST api/v1/skills/<reference:slug>/merge                                        removed 401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/transfer                                     removed 405
POST api/v1/skills/<reference:slug>/transfer                                     removed 401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/transfer/<action>                            removed 405
POST api/v1/skills/<reference:slug>/transfer/<action>                            removed 401 401 401 401 401 401 403 401
DELETE api/v1/skills/<reference:slug>                                            removed 401 401 401 401 401 401 403 401
DELETE api/v1/skills/<reference:slug>/versions/<version>                         removed 401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/undelete                                     deleted 405
POST api/v1/skills/<reference:slug>/undelete                                     deleted 401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/versions/<version>/restore                   deleted 405
POST api/v1/skills/<reference:slug>/versions/<version>/restore                   deleted 401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/tags/<tag>                                   deleted 405
POST api/v1/skills/<reference:slug>/tags/<tag>                                   deleted 401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/rename                                       deleted 405
POST api/v1/skills/<reference:slug>/rename                                       deleted 401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/merge                                        deleted 405
POST api/v1/skills/<reference:slug>/merge                                        deleted 401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/transfer                                     deleted 405
POST api/v1/skills/<reference:slug>/transfer                                     deleted 401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/transfer/<action>                            deleted 405
POST api/v1/skills/<reference:slug>/transfer/<action>                            deleted 401 401 401 401 401 401 403 401
DELETE api/v1/skills/<reference:slug>                                            deleted 401 401 401 401 401 401 403 401
DELETE api/v1/skills/<reference:slug>/versions/<version>                         deleted 401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>                                              hidden  404 404 404 404 404 404 403 404
GET  api/v1/skills/<reference:slug>/versions                                     hidden  404 404 404 404 404 404 403 404
GET  api/v1/skills/<reference:slug>/versions/<version>                           hidden  404 404 404 404 404 404 403 404
GET  api/v1/skills/<reference:slug>/file                                         hidden  404 404 404 404 404 404 403 404
GET  api/v1/resolve                                                              hidden  404 404 404 404 404 404 403 404
GET  api/v1/skills/<reference:slug>/moderation                                   hidden  404 404 404 404 404 404 200 404
GET  api/v1/skills/<reference:slug>/verify                                       hidden  404 404 404 404 404 404 403 404
GET  api/v1/skills/<reference:slug>/install                                      hidden  403
GET  api/v1/download                                                             hidden  403
POST api/v1/stars/<reference:slug>                                               hidden  401 401 401 401 401 401 403 401
POST api/v1/skills/<reference:slug>/report                                       hidden  401 401 401 401 401 401 403 401
GET  api/v1/skills/<reference:slug>/report                                       hidden  405
GET  api/v1/skills/<reference:slug>                                              removed 404 404 404 404 404 404 410 404
GET  api/v1/skills/<reference:slug>/versions                                     removed 404 404 404 404 404 404 410 404
GET  api/v1/skills/<reference:slug>/versions/<version>                           removed 404 404 404 404 404 404 410 404
GET  api/v1/skills/<reference:slug>/file                                         removed 404 404 404 404 404 404 410 404
GET  api/v1/resolve                                                              removed 404 404 404 404 404 404 410 404
GET  api/v1/skills/<reference:slug>/moderation                                   removed 404 404 404 404 404 404 200 404
GET  api/v1/skills/<reference:slug>/verify                                       removed 404 404 404 404 404 404 410 404
GET  api/v1/skills/<reference:slug>/install                                      removed 410
GET  api/v1/download                                                             removed 410
POST api/v1/stars/<reference:slug>                                               removed 401 401 401 401 401 401 410 401
POST api/v1/skills/<reference:slug>/report                                       removed 401 401 401 401 401 401 410 401
GET  api/v1/skills/<reference:slug>/report                                       removed 405
GET  api/v1/skills/<reference:slug>                                              deleted 404 404 404 404 404 404 410 404
GET  api/v1/skills/<reference:slug>/versions                                     deleted 404 404 404 404 404 404 410 404
GET  api/v1/skills/<reference:slug>/versions/<version>                           deleted 404 404 404 404 404 404 410 404
GET  api/v1/skills/<reference:slug>/file                                         deleted 404 404 404 404 404 404 410 404
GET  api/v1/resolve                                                              deleted 404 404 404 404 404 404 410 404
GET  api/v1/skills/<reference:slug>/moderation                                   deleted 404 404 404 404 404 404 200 404
GET  api/v1/skills/<reference:slug>/verify                                       deleted 404 404 404 404 404 404 410 404
GET  api/v1/skills/<reference:slug>/install                                      deleted 404 404 404 404 404 404 410 404
GET  api/v1/download                                                             deleted 404 404 404 404 404 404 410 404
POST api/v1/stars/<reference:slug>                                               deleted 401 401 401 401 401 401 410 401
POST api/v1/skills/<reference:slug>/report                                       deleted 401 401 401 401 401 401 410 401
GET  api/v1/skills/<reference:slug>/report                                       deleted 405
"""

QUERIES = {
    "api/v1/search": "?q=pdf",
    "api/v1/resolve": "?slug={slug}&ownerHandle=alice&hash=" + "0" * 64,
    "api/v1/download": "?slug={slug}&ownerHandle=alice",
    "api/v1/skills/<reference:slug>/file": "?path=SKILL.md&ownerHandle=alice",
    "skills/<str:owner>/<str:slug>/diff/": "?from=1.0.0&to=1.1.0",
}
DECIDED = {"reason": "Seen", "seen": "0", "up_to": "9999999"}
FORMS = {
    "theme/": {"theme": "dark"},
    "staff/jobs/rebuild/": {"field": "skills.Skill.version_count"},
    "staff/authors/<str:handle>/ban/": {"reason": "Spam."},
    "staff/authors/<str:handle>/unban/": {"reason": "Mistaken."},
    "skills/<str:owner>/<str:slug>/star/": {"on": "1"},
    "skills/<str:owner>/<str:slug>/comments/": {"text": "Hello"},
    "skills/<str:owner>/<str:slug>/comments/<int:comment_id>/report/": {"kind": "spam"},
    "staff/comments/<int:comment_id>/hide/": DECIDED,
    "staff/comments/<int:comment_id>/show/": DECIDED,
    "staff/comments/<int:comment_id>/dismiss/": DECIDED,
    "me/skills/<str:slug>/rescan/": {"version": "1.0.0"},
    "me/skills/<str:slug>/manage/<slug:deed>/": {"rename-slug": "pdf-tool-box"},
    "me/traces/<str:public_id>/": {"own_title": "Mine"},
    "staff/badges/": {"skill": "@alice/pdf-tools", "kind": "official", "reason": "Ours."},
    "staff/badges/<int:badge_id>/take/": {"reason": "Old."},
    "staff/traces/<str:public_id>/summary/switch/": {"on": "0", "reason": "Mistaken."},
    "staff/summaries/switch/": {"on": "0", "reason": "A leak."},
    "staff/summaries/caps/": {"tokens": "5", "dollars": "1", "reason": "Dear."},
    "staff/summaries/refresh/": {"scope": "stale"},
    "staff/summaries/namespaces/<str:handle>/switch/": {"on": "0", "reason": "Spam."},
    "staff/summaries/namespaces/<str:handle>/caps/": {"tokens": "5", "reason": "Dear."},
    "staff/settings/reserved/": {"slug": "desk-lamp", "reason": "Ours."},
}
NAMES = {
    "staff/jobs/<slug:name>/dry-run/": "rescan_all",
    "api/v1/skills/-/scan/download/<path:name>": "pdf-tools",
}
ADMIN_SITE = "django-admin/"
STATES = ("public", "hidden", "removed", "deleted")


class Row(NamedTuple):
    """One line of the table."""

    method: str
    route: str
    state: str
    statuses: dict[str, int]


def read_table() -> list[Row]:
    rows = []
    for line in filter(None, map(str.strip, TABLE.splitlines())):
        if line.startswith("#"):
            continue
        method, route, *words = line.split()
        state = words.pop(0) if words[0] in STATES else "public"
        assert len(words) in {1, len(ACTORS)}, line
        numbers = [int(word) for word in words] * (len(ACTORS) // len(words))
        rows.append(
            Row(method, route.removeprefix("/"), state, dict(zip(ACTORS, numbers, strict=True)))
        )
    return rows


def all_routes() -> list[str]:
    """Every route of the URLconf, equal ones once."""

    def walk(found: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
        for pattern in found:
            route = before + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield route
            else:
                yield from walk(pattern.url_patterns, route)

    return list(dict.fromkeys(walk(get_resolver().url_patterns, "")))


ROWS = read_table()
ROUTES = [route for route in all_routes() if not route.startswith(ADMIN_SITE)]
ADMIN_ROUTES = [route for route in all_routes() if route.startswith(ADMIN_SITE)]


class World:
    """The cast, a skill in some state, and what each actor asks with."""

    def __init__(self, people: dict[str, Any], skill: Skill, comment: SkillComment) -> None:
        alice = people["owner"]
        self.skill = skill
        self.run = make_run("refresh_derived")
        self.comment = comment
        self.decision = decision_on(skill.versions.first(), "hide")
        self.badge = SkillBadge.objects.create(skill=skill, kind="highlighted", reason="Good.")
        self.scan = Scan.objects.create(version=skill.versions.get(version="1.0.0"))
        version = skill.versions.earliest("pk")
        version.skill = skill
        self.item = open_item(version=version, kind=ItemKind.REPORT)
        self.own_token, _ = create_token(user=alice, label="laptop")
        self.session, _ = session_of(alice)
        acme = organisation("acme", owner=alice)
        self.invite, self.invite_code = create_invite(namespace=acme, actor=alice)
        self.key, _ = create_token(user=alice, label="hooks", namespace=acme)
        self.trace = Uploader(alice).share("session", [said(1)], visibility="private")
        self.log = SummaryLog.objects.create(
            trace=self.trace,
            trigger="sweep",
            generation=1,
            message_count=1,
            day=timezone.now().date(),
        )
        _, reads = create_token(user=alice, label="reads", scopes=[Scope.SKILLS_READ])
        gone, revoked = create_token(user=alice, label="gone")
        revoke_token(token=gone, actor=alice)
        self.cookies = {
            actor: sign_in(Client(), person).cookies for actor, person in people.items()
        }
        self.headers = {
            "token": {"authorization": f"Bearer {reads}"},
            "revoked": {"authorization": f"Bearer {revoked}"},
        }

    def ask(self, actor: str, method: str, route: str) -> int:
        """The status this actor gets; whatever the request wrote is undone."""
        client = Client(raise_request_exception=False)
        for name, morsel in self.cookies.get(actor, {}).items():
            client.cookies[name] = morsel.value
        with transaction.atomic():
            response = client.generic(
                method,
                self.address(route),
                "&".join(f"{name}={value}" for name, value in FORMS.get(route, {}).items()),
                content_type="application/x-www-form-urlencoded",
                headers=self.headers.get(actor, {}),
            )
            if response.streaming:
                b"".join(response.streaming_content)  # Closes the file behind it.
            transaction.set_rollback(True)
        return response.status_code

    def address(self, route: str) -> str:
        is_of_acme = route.startswith("me/namespaces/")
        values = {
            "slug": self.skill.slug,
            "deed": "rename",
            "transfer_id": "0",
            "answer": "accept",
            "owner": "alice",
            "handle": "acme" if is_of_acme else "alice",
            "version": "1.0.0",
            "path": "SKILL.md",
            "pair": "1.0.0...1.1.0",
            "board": "trending",
            "window": "7d",
            "mark": "another",
            "public_id": self.trace.public_id,
            "trace_id": self.trace.public_id,
            "section": "skills",
            "part": "0",
            "lookup_id": (self.key if is_of_acme else self.own_token).lookup_id,
            "user_id": str(self.invite.created_by_id),
            "invite_id": str(self.invite.pk),
            "code": self.invite_code,
            "session_id": self.session.lookup_id,
            "run_id": str(self.run.pk),
            "comment_id": str(self.comment.pk),
            "decision_id": str(self.decision.pk),
            "name": NAMES.get(route, "copy_totals"),
            "item_id": str(self.item.pk),
            "key": "remote-code",
            "tag": "beta",
            "action": "accept",
            "direction": "incoming",
            "external_id": self.trace.external_id,
            "message_id": "event-1",
            "object_id": "1",
            "report_id": "1",
            "badge_id": str(self.badge.pk),
            "reserved_id": "1",
            "log_id": str(self.log.pk),
            "factor_id": "1",
            "scan_id": str(self.scan.pk),
            "content_type_id": "1",
            "wanted": self.trace.public_id,
            "app_label": "accounts",
            "url": "no/such/table",
        }
        query = QUERIES.get(route, "").format(slug=self.skill.slug)
        plain = (
            re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", route)
            .replace("^", "")
            .replace("$", "")
            .replace("\\.", ".")
        )
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda match: values[match[1]], plain) + query


@pytest.fixture
def world_with(alice, charlie, mona, ada, publish):
    """Make the world: `world_with("hidden")`."""

    def make(state: str) -> World:
        publish(version="1.0.0")
        publish(version="1.1.0", files={"SKILL.md": "# New\n"})
        skill = Skill.objects.get()
        bob = create_user(handle="bob", password="bob-keeps-a-secret")
        comment = reported(skill, charlie, bob)
        if state == "deleted":
            skill.soft_deleted_at = timezone.now()
        elif state != "public":
            skill.moderation_status = ModerationStatus(state)
            skill.moderation_reason = f"manual.{state}"
        skill.save()
        people = {"user": charlie, "owner": alice, "moderator": mona, "admin": ada, "banned": bob}
        world = World(people, skill, comment)
        bob.banned_at = timezone.now()
        bob.save()
        return world

    return make


# --- The table is whole --------------------------------------------------------------------------


def test_every_route_has_a_row_for_get_and_for_post():
    told = {(row.method, row.route) for row in ROWS if row.state == "public"}

    missing = {(m, route) for route in ROUTES for m in ("GET", "POST")} - told

    assert not missing, "add to the table:\n" + "\n".join(
        f"{m:4} {route or '/'}" for m, route in sorted(missing)
    )


def test_the_table_has_no_row_of_a_route_that_is_gone():
    assert {row.route for row in ROWS} <= set(ROUTES)


def test_every_route_of_a_skill_is_asked_about_what_is_not_public():
    of_skill = {row.route for row in ROWS if "slug>" in row.route and row.method == "GET"} | {
        "api/v1/download",
        "api/v1/resolve",
    }
    for state in STATES[1:]:
        told = {row.route for row in ROWS if row.state == state}
        assert of_skill <= told, (state, sorted(of_skill - told))


# --- The table is true ---------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("state", STATES)
def test_every_row_is_true(world_with, state):
    world = world_with(state)

    wrong = {
        f"{row.method} {row.route or '/'} as {actor}": (f"wanted {wanted}", f"got {got}")
        for row in ROWS
        if row.state == state
        for actor, wanted in row.statuses.items()
        if (got := world.ask(actor, row.method, row.route)) != wanted
    }

    assert wrong == {}


@pytest.mark.django_db
def test_no_other_method_does_anything(world_with):
    world = world_with("public")

    found = {
        (method, route, actor): status
        for route in ROUTES
        if route != "api/v1/openapi.json"  # The framework shows it whatever the method.
        for method in ("PUT", "PATCH", "DELETE")
        for actor in ("visitor", "admin")
        if (status := world.ask(actor, method, route)) not in {302, 401, 404, 405}
    }

    assert found == {}


@pytest.mark.django_db
def test_the_raw_tables_are_for_admins_only(world_with):
    world = world_with("public")

    let_in = {
        (method, route, actor): status
        for route in ADMIN_ROUTES
        for method in ("GET", "POST")
        for actor in ("visitor", "moderator", "banned", "token")
        if (status := world.ask(actor, method, route)) not in {302, 404, 405}
    }
    broken = {
        route: status
        for route in ADMIN_ROUTES
        if (status := world.ask("admin", "GET", route)) >= 500
    }

    assert (let_in, broken) == ({}, {})
