// Baton's business rule: tells the gateway what people did with an incident Baton opened.
// Table incident; when: after (not async: there changes() does not work); insert no, update yes;
// filter condition: correlation_display is Baton; advanced. Ids and codes only, no free text: RESTMessageV2
// fills in ${...} in a body. Address and secret stand in the system properties baton.status_url and
// baton.webhook_token (private). executeAsync does not wait, and nothing is sent again: Baton polls as well.
(function executeRule(current, previous) {
  var url = gs.getProperty('baton.status_url');
  if (!url) {
    return;
  }
  var events = [];
  if (current.comments.changes()) {
    events.push('commented');
  }
  if (current.state.changes() || current.hold_reason.changes()) {
    events.push('state_changed');
  }
  if (current.assigned_to.changes() || current.assignment_group.changes()) {
    events.push('assigned');
  }
  if (current.priority.changes()) {
    events.push('priority_changed');
  }
  for (var i = 0; i < events.length; i++) {
    var call = new sn_ws.RESTMessageV2();
    call.setEndpoint(url);
    call.setHttpMethod('POST');
    call.setHttpTimeout(10000);
    call.setRequestHeader('Content-Type', 'application/json');
    call.setRequestHeader('X-Webhook-Token', gs.getProperty('baton.webhook_token'));
    call.setRequestBody(JSON.stringify({
      event: events[i],
      sys_id: current.getUniqueValue(),
      number: current.getValue('number'),
      correlation_id: current.getValue('correlation_id'),
      state: current.getValue('state'),
      hold_reason: current.getValue('hold_reason') || '',
      impact: current.getValue('impact'),
      urgency: current.getValue('urgency'),
      priority: current.getValue('priority'),
      assigned_to: current.getValue('assigned_to') || '',
      assignment_group: current.getValue('assignment_group') || '',
      sys_updated_on: current.getValue('sys_updated_on'),
      sys_mod_count: current.getValue('sys_mod_count'),
      updated_by: current.getValue('sys_updated_by'),
      caller: current.caller_id.user_name.toString()
    }));
    call.executeAsync();
  }
})(current, previous);
