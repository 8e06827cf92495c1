{{/* Name of all objects. */}}
{{- define "faceblur-operator.name" -}}
{{ .Values.nameOverride | default .Chart.Name }}
{{- end }}

{{/* Labels by which the pods are selected. */}}
{{- define "faceblur-operator.selector" -}}
app.kubernetes.io/name: {{ include "faceblur-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of all objects. */}}
{{- define "faceblur-operator.labels" -}}
{{ include "faceblur-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: faceblur
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Name of the service account. */}}
{{- define "faceblur-operator.account" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "faceblur-operator.name" .) }}
{{- else -}}
{{ required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{/* What the operator may do in a namespace it looks after: one rule per thing its code does. */}}
{{- define "faceblur-operator.rules" -}}
# Patched for one thing only: to take a command off that was carried out.
- apiGroups: [faceblur.dev]
  resources: [faceblurrollouts]
  verbs: [get, list, watch, patch]
# Only the status: what users ask for is theirs.
- apiGroups: [faceblur.dev]
  resources: [faceblurrollouts/status]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch]
# Tells which pods belong to the present template.
- apiGroups: [apps]
  resources: [replicasets]
  verbs: [list]
# Gray's pods, by label: they crash or run out of memory long before a metric says so.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# Where an autoscaler sets the replicas, the operator does not.
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list, watch]
{{- if .Values.readMounts }}
# By name, only those that a pod template uses: a change of one is a change of what is released.
- apiGroups: [""]
  resources: [configmaps, secrets]
  verbs: [get]
{{- else if .Values.notifications.readSecrets }}
# By name, those that notifications take addresses and keys from.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- end }}
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch]
# The gray Ingress is removed at the end of a release.
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [get, list, watch, create, patch, delete]
# An event that happens again is counted, not sent again.
- apiGroups: [""]
  resources: [events]
  verbs: [get, create, patch]
{{- end }}
