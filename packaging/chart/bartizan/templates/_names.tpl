{{- define "bartizan.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{/* At most 52 characters, as a StatefulSet appends a hash of ten to it in a label, and no dot, which a Service may not have. */}}
{{- define "bartizan.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | replace "." "-" | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | replace "." "-" | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "bartizan.selectorLabels" -}}
app.kubernetes.io/name: {{ include "bartizan.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "bartizan.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "bartizan.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "bartizan.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "bartizan.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "bartizan.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "bartizan.configSource" -}}
{{- with .Values.existingConfig }}
{{- if .secret }}
secret:
  secretName: {{ .secret | quote }}
  defaultMode: 0440
{{- else }}
configMap:
  name: {{ .configMap | default (printf "%s-config" (include "bartizan.fullname" $)) | quote }}
{{- end }}
  items:
    - { key: {{ .key | quote }}, path: bartizan.yaml }
{{- end }}
{{- end }}

{{- define "bartizan.knownHostsConfigMap" -}}
{{- if .Values.existingKnownHosts.configMap }}
{{- .Values.existingKnownHosts.configMap }}
{{- else if .Values.knownHosts }}
{{- printf "%s-known-hosts" (include "bartizan.fullname" .) }}
{{- end }}
{{- end }}
