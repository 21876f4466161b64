from django.urls import URLPattern, path

from jobs import staff_views

app_name = "jobs"
# A run is named by its number, a job by its name; the list of a job's runs is the job's page.
urlpatterns: list[URLPattern] = [
    path("staff/jobs/", staff_views.jobs, name="jobs"),
    path("staff/jobs/rebuild/", staff_views.rebuild, name="rebuild"),
    path("staff/jobs/<int:run_id>/", staff_views.run, name="run"),
    path("staff/jobs/<int:run_id>/pause/", staff_views.pause, name="pause-run"),
    path("staff/jobs/<int:run_id>/resume/", staff_views.resume, name="resume-run"),
    path("staff/jobs/<int:run_id>/cancel/", staff_views.cancel, name="cancel-run"),
    path("staff/jobs/<slug:name>/", staff_views.history, name="history"),
    path("staff/jobs/<slug:name>/start/", staff_views.start, name="start"),
    path("staff/jobs/<slug:name>/dry-run/", staff_views.start, {"is_dry": True}, "dry-run"),
    path("staff/jobs/<slug:name>/pause/", staff_views.set_schedule, {"paused": True}, "pause"),
    path("staff/jobs/<slug:name>/resume/", staff_views.set_schedule, {"paused": False}, "resume"),
    path("staff/database/", staff_views.database, name="database"),
    path("staff/database/reset/", staff_views.reset, name="reset"),
]
