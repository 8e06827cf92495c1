{{/* Labels by which the stable pods are selected; gray pods carry another track. */}}
{{- define "faceblur.selector" -}}
app: face-blur
faceblur.dev/track: stable
{{- end }}

{{/* Labels of all objects. */}}
{{- define "faceblur.labels" -}}
app.kubernetes.io/name: face-blur
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: faceblur
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Name of the Secret with the key. */}}
{{- define "faceblur.secret" -}}
{{ .Values.secretKey.existingSecret | default (printf "%s-key" .Values.names.service) }}
{{- end }}

{{/* Address of Redis; empty when there is none. */}}
{{- define "faceblur.redisUrl" -}}
{{- if .Values.redis.enabled -}}
redis://{{ .Values.names.redis }}:6379/0
{{- else -}}
{{ .Values.redis.url }}
{{- end -}}
{{- end }}

{{/* Security of every pod and of every container. */}}
{{- define "faceblur.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}
{{- define "faceblur.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
