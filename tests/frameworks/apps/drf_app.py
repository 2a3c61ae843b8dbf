"""Django REST framework."""

from __future__ import annotations

from django.core.wsgi import get_wsgi_application
from django.http import StreamingHttpResponse
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.frameworks.apps import shop


class _Act(APIView):
    action = staticmethod(shop.child)

    def get(self, request):
        return Response(self.action(request.query_params["n"]))


class _Stream(APIView):
    def get(self, request):
        return StreamingHttpResponse(shop.stream(request.query_params["n"]))


urlpatterns = [
    path("stream", _Stream.as_view()),
    *(path(name[1:], _Act.as_view(action=action)) for name, action in shop.ACTIONS.items()),
]
wsgi = get_wsgi_application()
