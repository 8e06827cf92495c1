module faceblur.dev/tests/cluster/web

go 1.26.0
