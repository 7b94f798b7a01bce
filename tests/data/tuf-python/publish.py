"""Publishes the lists of `lists/` with python-tuf 7, for tests/sync.rs: python3 publish.py OUT"""
import sys, os, hashlib
from datetime import datetime, timezone
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root, Targets, Snapshot, Timestamp, TargetFile, MetaFile
from tuf.api.serialization.json import JSONSerializer

here = os.path.dirname(os.path.abspath(__file__))
out = sys.argv[1]
late = datetime(2100, 1, 1, tzinfo=timezone.utc)
os.makedirs(f"{out}/metadata"); os.makedirs(f"{out}/targets")
pretty = JSONSerializer(compact=False)
roots = [CryptoSigner.generate_ed25519(), CryptoSigner.generate_ecdsa(), CryptoSigner.generate_rsa()]
online = {role: CryptoSigner.generate_ed25519() for role in ("targets", "snapshot", "timestamp")}
root = Root(expires=late, consistent_snapshot=True)
for signer in roots: root.add_key(signer.public_key, "root")
root.roles["root"].threshold = 2
for role, signer in online.items(): root.add_key(signer.public_key, role)

def save(metadata, signers, name):
    for signer in signers: metadata.sign(signer, append=True)
    data = metadata.to_bytes(pretty)
    open(f"{out}/metadata/{name}", "wb").write(data)
    return data

save(Metadata(root), roots[:2], "1.root.json")
root.version = 2
save(Metadata(root), roots[1:], "2.root.json")
targets = Targets(expires=late)
for name in sorted(os.listdir(f"{here}/lists")):
    data = open(f"{here}/lists/{name}", "rb").read()
    targets.targets[name] = TargetFile.from_data(name, data, ["sha256"])
    open(f"{out}/targets/{hashlib.sha256(data).hexdigest()}.{name}", "wb").write(data)
save(Metadata(targets), [online["targets"]], "1.targets.json")
snapshot = Snapshot(expires=late, meta={"targets.json": MetaFile(1)})
data = save(Metadata(snapshot), [online["snapshot"]], "1.snapshot.json")
timestamp = Timestamp(expires=late, snapshot_meta=MetaFile.from_data(1, data, ["sha256"]))
save(Metadata(timestamp), [online["timestamp"]], "timestamp.json")
