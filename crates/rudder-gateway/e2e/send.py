"""Makes the sample calls with the Python SDK: python send.py URL KEY < calls.json"""

import json
import sys

import rudderstack.analytics as rudder

rudder.dataPlaneUrl, rudder.write_key = sys.argv[1:3]
for call in json.load(sys.stdin):
    name = call.pop("call")
    call = {"user_id": call.pop("userId"), **call}
    if "groupId" in call:
        call["group_id"] = call.pop("groupId")
    getattr(rudder, name)(**call)
rudder.flush()
