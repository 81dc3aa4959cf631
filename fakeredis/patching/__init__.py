"""`patch`: every Redis client of this process leads to fake servers.

Two layers. Underneath, the few functions of redis-py through which every command passes lead to
the engine (`hooks`, by exchanging code objects, see `code_swap`), so that no client escapes,
however the code under test came to it. On top, the names of the classes are replaced in all loaded
modules (`names`). What a connection held before is put aside and comes back (`scope`).

What the replaced names change all the same
-------------------------------------------
With ``names=False`` none of this holds.

- ``type(client) is redis.Redis`` is False for clients made before; ``==`` and `isinstance` hold.
- A class object that was taken inside (``self.cls = redis.Redis``) is the fake one for ever.
- ``mock.patch("redis.Redis")`` that begins inside and ends after puts the fake class back.
- Modules of another type than `types.ModuleType` (lazy ones) keep the real class under its name.

Which patch, when several are active
------------------------------------
- One patch is active: all threads, tasks and clients of the process belong to it, also those that
  began before.
- Several are: a thread or task belongs to the one that it entered last and that has not ended (a
  task counts what its creator had entered by then); where it entered none, to the one that anyone
  entered last.  So nested patches hide each other, and two threads with a patch each do not meet,
  even on one shared client: its connections have a state for each patch.
- Patches may end in any order, in any thread or task.  Each ends for itself; names and functions
  are restored when the last one ends that replaced them.
- Entering and leaving are atomic: no other thread sees half of it done.  Commands that another
  thread has under way when a patch ends fail with a connection error.
"""
