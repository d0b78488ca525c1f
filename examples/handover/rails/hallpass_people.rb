# app/models/hallpass_people.rb: calls /handover/people/…, to tell Hallpass what happens to a person later, or to show the apps
# that they connected. Nil for somebody whom Hallpass does not know: they never connected an app.
class HallpassPeople
  def self.call(method, *path, language: "en")
    path = path.map { |part| ERB::Util.url_encode(part) }.join("/")
    uri = URI("#{ENV.fetch("HALLPASS_URL")}/handover/people/#{path}")
    request = Net::HTTPGenericRequest.new(method, false, true, uri,
      "Authorization" => "Bearer #{ENV.fetch("HALLPASS_HANDOVER_SECRET")}", "Accept-Language" => language)
    answer = Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == "https", read_timeout: 10) { |http| http.request(request) }
    case answer.code.to_i
    when 200, 201 then JSON.parse(answer.body)
    when 204, 404 then nil
    else raise "Hallpass answered #{answer.code}: #{answer.body}"
    end
  end
end

# HallpassPeople.call("POST", user.id, "sign-out")      # SessionsController#destroy
# HallpassPeople.call("POST", user.id, "suspend")       # and "resume"
# HallpassPeople.call("DELETE", user.id, "organizations", shop.id)
# HallpassPeople.call("DELETE", user.id)
