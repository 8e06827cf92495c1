# The test cluster and the images; included by the Makefile, which sets VENV and PY.
.PHONY: cluster-up cluster-down images

cluster-up: $(VENV)/.ready ## start a real single-node Kubernetes and print its kubeconfig
	@$(PY) -m tests.cluster up $(NAME)

cluster-down: $(VENV)/.ready ## end it and take everything away
	@$(PY) -m tests.cluster down $(NAME)

images: $(VENV)/.ready ## build the images (NAME="..." for some of them)
	@$(PY) -m tests.cluster.images build $(NAME)
