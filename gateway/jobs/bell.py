"""
The bell: telling RQ that a work row may be due. Best effort by design; a lost or doubled ring is harmless,
and no ring ever decides what a vendor is answered.
"""

from __future__ import annotations

import logging
import time

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer

from gateway.jobs.queues import HIGH_WATER, JOBS
from gateway.jobs.safe_job import SafeJob

log = logging.getLogger(__name__)


def bell_redis(url: str) -> Redis:
    """
    A client for ringing: it can neither hang a webhook nor send a command twice (redis-py re-sends by default,
    and a doubled enqueue would be silent).
    """
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=0.3, retry=Retry(NoBackoff(), 0))


def queue(name: str, connection: Redis) -> Queue:
    return Queue(name, connection=connection, serializer=JSONSerializer, job_class=SafeJob)


class Bell:
    """Rings for work rows. One per process."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._queues: dict[str, Queue] = {}

    def room(self, queue_name: str) -> int:
        """How many more bells the queue may take. Raises RedisError."""
        return max(0, HIGH_WATER - int(self._redis.llen(self._queue(queue_name).key)))

    def ring(self, work_id: str, kind: str, fence: int) -> None:
        """Enqueue one bell. Raises RedisError; a bell that already hangs is fine."""
        job = JOBS[kind]
        try:
            self._queue(job.queue).enqueue_call(
                job.function,
                args=(work_id,),
                timeout=int(job.timeout.total_seconds()),
                result_ttl=5,
                failure_ttl=600,
                ttl=300,
                description=kind,  # the default would write the arguments into Redis and logs
                job_id=f"{work_id}-{fence}-{int(time.time())}",
                unique=True,
            )
        except DuplicateJobError:
            return

    def is_empty(self, queue_name: str) -> bool:
        """Raises RedisError."""
        return self.room(queue_name) == HIGH_WATER

    def try_ring(self, work_id: str, kind: str, fence: int = 0) -> bool:
        """Ring if the queue has room. False: not rung (a failure is logged), and the relay will."""
        try:
            if not self.room(JOBS[kind].queue):
                return False
            self.ring(work_id, kind, fence)
        except (RedisError, OSError) as error:
            log.warning("bell_not_rung", extra={"work": work_id, "kind": kind, "error": type(error).__name__})
            return False
        return True

    def ping(self) -> bool:
        try:
            return bool(self._redis.ping())
        except (RedisError, OSError):
            return False

    def _queue(self, name: str) -> Queue:
        if name not in self._queues:
            self._queues[name] = queue(name, self._redis)
        return self._queues[name]
